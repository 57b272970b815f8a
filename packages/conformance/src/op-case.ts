// What a case is: an op, inputs that are described rather than stored, and what is to be compared.
import type { AttributesOf, DType, OpName, OpTable } from "@convoke/core";
import type { Input } from "./inputs.js";

/** Which derivatives of a case are compared: none, the first, or the first and the second. */
export type Derivatives = 0 | 1 | 2;

/**
 * How outputs are compared with those of the reference backend.
 * - `close`: max|a − b| / max(1, max|b|), over the whole tensor.
 * - `each`: the same, element by element, for values of very different size.
 * - `exact`: equal numbers; 0 and −0 are equal, NaN equals NaN.
 * - `bits`: equal numbers, and 0 is not −0.
 */
export type Comparison = "close" | "each" | "exact" | "bits";

/** One case, for each of its element types. */
export interface AnyCase {
  /** Unique among the cases of its op. */
  readonly name: string;
  readonly inputs: readonly Input[];
  readonly attributes?: object;
  /** The element types of the inputs that do not fix their own. Default: the floating-point types. */
  readonly dtypes?: readonly DType[];
  /** Default: 2, or 0 where the op has no gradient. Only cases in a floating-point type have any. */
  readonly derivatives?: Derivatives;
  /** Whether the op is smooth around the inputs, so that finite differences tell its derivatives. Default: true. */
  readonly smooth?: boolean;
  /** Default: `close` for floating-point outputs. Outputs of other types are always compared exactly. */
  readonly compare?: Comparison;
  /** Larger tolerances than those of the types, with the reason for them. */
  readonly tolerance?: { readonly float16?: number; readonly float32?: number; readonly reason: string };
}

/** A case of the op `N`: its attributes are those of the op, and may be left out where it has none. */
export type OpCase<N extends OpName> = Omit<AnyCase, "attributes"> &
  (string extends keyof AttributesOf<OpTable[N]>
    ? { readonly attributes?: AttributesOf<OpTable[N]> }
    : { readonly attributes: AttributesOf<OpTable[N]> });

/** At least one case for each of the ops `N`: an op without a case does not compile. */
export type CasesOf<N extends OpName> = {
  readonly [K in N]: readonly [OpCase<K>, ...OpCase<K>[]];
};

export const floats = ["float16", "float32", "float64"] as const satisfies readonly DType[];
export const integers = ["int64", "int32", "uint32", "int8", "uint8"] as const satisfies readonly DType[];
export const signed = [...floats, "int64", "int32", "int8"] as const satisfies readonly DType[];
export const numeric = [...floats, ...integers] as const;
export const everyDType = [...numeric, "bool"] as const;
