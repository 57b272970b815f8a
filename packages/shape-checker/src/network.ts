// A network as the checker sees it: layers, and the steps that compute them. Every source is read into this form.
import type { Pads, Shape } from "@convoke/shape";

/** Windows over the spatial axes, every option spelt out per axis; `output` counts them. */
export interface Geometry {
  readonly size: Shape;
  readonly stride: Shape;
  readonly dilation: Shape;
  readonly pads: readonly Pads[];
  readonly output: Shape;
}

/** How positions of a step's output depend on positions of one of its inputs. */
export type Flow =
  /** Output axis j runs along input axis `from[j]`; what runs along an input axis that is not listed is mixed. */
  | { readonly kind: "axes"; readonly from: readonly (number | undefined)[] }
  /** Windows slide over the axes from the third on. */
  | { readonly kind: "windows"; readonly geometry: Geometry }
  /** The transpose of that: each input element is spread over a window of the output. */
  | { readonly kind: "spread"; readonly geometry: Geometry }
  /** Output element i of an axis is input element begin + step · i. */
  | { readonly kind: "shift"; readonly begin: Shape; readonly step: Shape };

/** One input of a step: the index of the step that gives it, or −1 − i for input i of the network. */
export interface Dependency {
  readonly value: number;
  readonly flow: Flow;
}

/** The layers whose sizes and counts have formulas of their own. */
export type Operator =
  | {
      readonly kind: "convolution" | "transposed convolution";
      /** Of the input, without batch and channels. */
      readonly spatial: Shape;
      /** Input channels that one filter sees. */
      readonly channels: number;
      readonly filters: number;
      readonly groups: number;
      readonly geometry: Geometry;
    }
  | { readonly kind: "dense"; readonly inputs: number; readonly units: number; readonly positions: number }
  | { readonly kind: "pooling"; readonly spatial: Shape; readonly geometry: Geometry };

/** One operation. Counts are for one sample. */
export interface Step {
  /** The index of the layer that it belongs to. */
  readonly layer: number;
  readonly inputs: readonly Dependency[];
  /** With its batch axis. */
  readonly output: Shape;
  readonly bytesPerElement: number;
  /** It only names the elements of its input anew, so it takes no memory. */
  readonly isView: boolean;
  readonly multiplyAdds: number;
  /** Outputs that are sums weighted by parameters, and the multiply-adds of these sums. */
  readonly sums?: { readonly neurons: number; readonly products: number };
  readonly operator?: Operator;
  /** Bytes that the backward pass needs besides the output: where the maxima were. */
  readonly keptForGradient?: number;
}

/** One layer. Its shape has no batch axis. */
export interface NetworkLayer {
  /** Its path in the model, or its name in the file; empty for the model itself. */
  readonly path: string;
  /** What kind of layer it is: `conv2d`, `relu`; in a file the operator, `Conv`. */
  readonly kind: string;
  /** Undefined where it gives something else than one tensor, or where it is not known. */
  readonly outputShape: Shape | undefined;
  /** Its own parameters but the biases. */
  readonly weights: number;
  readonly biases: number;
  /** Of both, those that are not frozen. */
  readonly trainable: number;
  /** What its parameters and its running statistics occupy. */
  readonly bytes: number;
}

/** What the report is made of. */
export interface Network {
  /** What it is, for the title. */
  readonly kind: string;
  /** With batch axis. */
  readonly inputs: readonly Shape[];
  readonly layers: readonly NetworkLayer[];
  /** In an order in which each follows what it reads. */
  readonly steps: readonly Step[];
  /** What could not be followed, in words. */
  readonly notes: readonly string[];
}

/** An element-wise step: axes are aligned at the end, as broadcasting does; a size of 1 that is repeated is mixed. */
export function alignedFlow(input: Shape, output: Shape): Flow {
  const before = output.length - input.length;
  const from = output.map((size, axis) =>
    axis >= before && input[axis - before] === size ? axis - before : undefined,
  );
  return { kind: "axes", from };
}

/** Every output depends on everything. */
export function mixedFlow(output: Shape): Flow {
  return { kind: "axes", from: output.map(() => undefined) };
}

/** A reshape keeps the axes before and behind which the numbers of elements do not change. */
export function reshapedFlow(input: Shape, output: Shape): Flow {
  let [i, before] = [0, 1];
  const places = new Map<string, number>();
  for (; i < input.length; i++) {
    if (input[i] !== 1) places.set(`${before}:${input[i]}`, i);
    before *= input[i]!;
  }
  before = 1;
  const from = output.map((size) => {
    const place = size === 1 ? undefined : places.get(`${before}:${size}`);
    before *= size;
    return place;
  });
  return { kind: "axes", from };
}
