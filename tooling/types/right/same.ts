// What the right compositions are compared by, and short names for the types of images.
import type { Dim, Shape, Tensor } from "convoke";

/** Compiles only if both are one type. */
export function same<A, B>(
  ..._proof: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? [] : [A, B]
): void {}

export type F<S extends Shape> = Tensor<S, "float32">;
export type N = Dim<"N">;
export type Image<C extends number, H extends number, W extends number = H> = [N, C, H, W];
