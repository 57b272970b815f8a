// Convolution and its two transposes: the three faces of one trilinear form in input, kernels and output.
import {
  convWindows,
  shapeSize,
  type ConvBy,
  type Fits,
  type Ok,
  type Padding,
  type Shape,
} from "@convoke/shape";
import type { DType } from "../dtype.js";
import { apply } from "../graph/apply.js";
import { describeOperation } from "../graph/scope.js";
import type { Tensor } from "../tensor.js";
import { checkBias, checkInputs, convDType, flipped } from "./convolution-inputs.js";
import { forEachGroup, planOf, type ConvAttributes } from "./convolution-plan.js";
import { composite, primitive, type GradientRule, type HostArray } from "./definition.js";
import {
  addProduct,
  addProductTransposed,
  inFloat64,
  transposed,
  type MatrixView,
} from "./matrix-product.js";
import type { About, SameDType } from "./operands.js";
import { checkSpatialRank, type Given, type PerAxis, type SpatialRule } from "./spatial-axes.js";

export type { ConvAttributes };

export interface ConvInputGradAttributes extends ConvAttributes {
  /** The spatial shape of the result. */
  readonly inputSize: readonly number[];
}

export interface ConvFilterGradAttributes extends ConvAttributes {
  /** The spatial shape of the kernels. */
  readonly kernelSize: readonly number[];
}

/** The three arguments of the form T(x, w, y) = ⟨y, conv(x, w)⟩: each op gives the derivative by the one it lacks. */
type Role = "x" | "w" | "y";

type Faces = Readonly<Partial<Record<Role, Tensor>>>;

/** The derivative of T by `role`, at the other two. */
function face(
  role: Role,
  { x, w, y }: Faces,
  { geometry, like }: { geometry: ConvAttributes; like: Tensor },
): Tensor {
  const size = like.shape.slice(2);
  if (role === "y") return apply(convolutionOps.conv, [x!, w!], geometry);
  if (role === "x") return apply(convolutionOps.convInputGrad, [y!, w!], { ...geometry, inputSize: size });
  return apply(convolutionOps.convFilterGrad, [x!, y!], { ...geometry, kernelSize: size });
}

/**
 * The gradient that all three ops share. An op with inputs a, b that gives the face c has, for the gradient g of c, the
 * gradients "face a at (b, g)" and "face b at (a, g)", because T is linear in each argument.
 */
function trilinearGradient<A extends ConvAttributes>(
  inputs: readonly [Role, Role],
  output: Role,
): GradientRule<A> {
  return ({ inputs: given, attributes, gradients: [g], needs }) => {
    const { stride, pads, dilation, groups } = attributes;
    const values: Faces = { [inputs[0]]: given[0], [inputs[1]]: given[1], [output]: g };
    const gradients = inputs.map((role, i) =>
      needs[i]
        ? face(role, values, { geometry: { stride, pads, dilation, groups }, like: given[i]! })
        : undefined,
    );
    const bias = given[2];
    return bias === undefined ? gradients : [...gradients, needs[2] ? channelSum(g!) : undefined];
  };
}

/** The sum over everything but the channels: the gradient of a bias. */
function channelSum(g: Tensor): Tensor {
  return g.sum(g.shape.flatMap((_, axis) => (axis === 1 ? [] : [axis])));
}

/** One multiply-add for each output element, kernel element and input channel of a group. */
function multiplyAdds(y: Shape, w: Shape): number {
  return shapeSize(y) * shapeSize(w.slice(1));
}

export const convolutionOps = {
  /** x [N, C, …], w [O, C / groups, …], optionally bias [O] → [N, O, …]. */
  conv: primitive<"conv", ConvAttributes>({
    name: "conv",
    infer: (operation, specs, { stride, pads, dilation, groups }) => {
      const [x, w, bias] = specs;
      const dtype = convDType(operation, specs);
      const padding = [...pads.map(([before]) => before), ...pads.map(([, after]) => after)];
      const { output } = convWindows(operation, x!.shape, w!.shape, { stride, padding, dilation, groups });
      if (bias !== undefined) checkBias(operation, bias.shape, w!.shape[0]!);
      return [{ shape: [x!.shape[0]!, w!.shape[0]!, ...output], dtype }];
    },
    gradient: trilinearGradient(["x", "w"], "y"),
    multiplyAdds: ([, w], [y]) => multiplyAdds(y!.shape, w!.shape),
    reference: ([x, w, bias], [y], attributes) => {
      const plan = planOf({ x: x!, w: w!, y: y! }, attributes);
      const [input, kernels] = [floats(x!), floats(w!)];
      const result = new Float64Array(y!.data.length);
      if (bias !== undefined) fillChannels(result, floats(bias), plan.windows);
      forEachGroup(plan, ({ xOffset, filters, outputs }) => {
        plan.columns.gather(input, xOffset, plan.matrix.data);
        addProduct({ ...outputs, data: result }, { ...filters, data: kernels }, plan.matrix);
      });
      (y!.data as Float64Array).set(result);
    },
  }),
  /** y [N, O, …], w [O, C / groups, …] → [N, C, …inputSize]: conv's transpose with respect to x. */
  convInputGrad: primitive<"convInputGrad", ConvInputGradAttributes>({
    name: "convInputGrad",
    infer: (operation, specs, { inputSize, groups }) => {
      const [y, w] = specs;
      return [
        { shape: [y!.shape[0]!, w!.shape[1]! * groups, ...inputSize], dtype: convDType(operation, specs) },
      ];
    },
    gradient: trilinearGradient(["y", "w"], "x"),
    multiplyAdds: ([y, w]) => multiplyAdds(y!.shape, w!.shape),
    reference: ([y, w], [x], attributes) => {
      const plan = planOf({ x: x!, w: w!, y: y! }, attributes);
      const [gradient, kernels] = [floats(y!), floats(w!)];
      const result = new Float64Array(x!.data.length);
      const turned = new Map<number, MatrixView>();
      forEachGroup(plan, ({ group, xOffset, filters, outputs }) => {
        if (!turned.has(group)) turned.set(group, transposed({ ...filters, data: kernels }));
        plan.matrix.data.fill(0);
        addProduct(plan.matrix, turned.get(group)!, { ...outputs, data: gradient });
        plan.columns.scatter(result, xOffset, plan.matrix.data);
      });
      (x!.data as Float64Array).set(result);
    },
  }),
  /** x [N, C, …], y [N, O, …] → [O, C / groups, …kernelSize]: conv's transpose with respect to w. */
  convFilterGrad: primitive<"convFilterGrad", ConvFilterGradAttributes>({
    name: "convFilterGrad",
    infer: (operation, specs, { kernelSize, groups }) => {
      const [x, y] = specs;
      return [
        { shape: [y!.shape[1]!, x!.shape[1]! / groups, ...kernelSize], dtype: convDType(operation, specs) },
      ];
    },
    gradient: trilinearGradient(["x", "y"], "w"),
    multiplyAdds: ([, y], [w]) => multiplyAdds(y!.shape, w!.shape),
    reference: ([x, y], [w], attributes) => {
      const plan = planOf({ x: x!, w: w!, y: y! }, attributes);
      const [input, gradient] = [floats(x!), floats(y!)];
      const result = new Float64Array(w!.data.length);
      forEachGroup(plan, ({ xOffset, filters, outputs }) => {
        plan.columns.gather(input, xOffset, plan.matrix.data);
        addProductTransposed({ ...filters, data: result }, { ...outputs, data: gradient }, plan.matrix);
      });
      (w!.data as Float64Array).set(result);
    },
  }),
  /** x [N, C, …], w [C, O / groups, …], optionally bias [O] → [N, O, …inputSize]: one node, as ONNX `ConvTranspose`. */
  convTranspose: composite<"convTranspose", ConvInputGradAttributes>({
    name: "convTranspose",
    staysInFloat16: true,
    check: (operation, [, w, bias], { groups }) => {
      if (bias !== undefined) checkBias(operation, bias.shape, w!.shape[1]! * groups);
    },
    body: ([x, w, bias], attributes): Tensor => {
      const y: Tensor = apply(convolutionOps.convInputGrad, [x!, w!], attributes);
      return bias === undefined ? y : y.add(bias.reshape([bias.size, ...attributes.inputSize.map(() => 1)]));
    },
  }),
};

function fillChannels(result: Float64Array, bias: Float64Array, windows: number): void {
  for (let start = 0, channel = 0; start < result.length; start += windows, channel++) {
    result.fill(bias[channel % bias.length]!, start, start + windows);
  }
}

function floats(array: HostArray): Float64Array {
  return inFloat64(array.data as Float32Array);
}

/** Options of the convolutions; absent: stride 1, padding 0, dilation 1, one group, no bias, no flip. */
export interface ConvolutionOptions<
  D extends DType = DType,
  Stride extends PerAxis | undefined = PerAxis | undefined,
  P extends Padding | undefined = Padding | undefined,
  Dilation extends PerAxis | undefined = PerAxis | undefined,
  Groups extends number | undefined = number | undefined,
> {
  readonly stride?: Stride;
  readonly padding?: P;
  readonly dilation?: Dilation;
  readonly groups?: Groups;
  /** One number for each filter. */
  readonly bias?: Tensor<Shape, D> | undefined;
  /** Turns the kernels round: the convolution of mathematics instead of the cross-correlation of networks. */
  readonly flipKernel?: boolean | undefined;
}

type ConvResult<
  S extends Shape,
  T extends Shape,
  Axes extends 1 | 2 | 3,
  Options extends readonly unknown[],
  Op extends string,
> = SpatialRule<
  S,
  Axes,
  ConvBy<
    S,
    T,
    Given<Options[0], 1, PerAxis>,
    Given<Options[1], 0, Padding>,
    Given<Options[2], 1, PerAxis>,
    Given<Options[3], 1, number>,
    Op
  >,
  Op
>;

/** `R` is the type that the shape rule of the calling function gives: both sides of the rule are tested to agree. */
function convolve<R extends Tensor>(
  [name, axes]: readonly [string, number],
  { x, w, bias, flipKernel, ...options }: ConvolutionOptions & { x: Tensor; w: Tensor },
): R {
  const operation = describeOperation(name);
  checkSpatialRank(operation, x.shape, axes);
  const { stride, pads, dilation } = convWindows(operation, x.shape, w.shape, options);
  const kernels = flipKernel === true ? flipped(w) : w;
  const inputs = bias === undefined ? [x, kernels] : [x, kernels, bias];
  checkInputs(operation, inputs, w.shape[0]!);
  const attributes = { stride, pads, dilation, groups: options.groups ?? 1 };
  return apply(convolutionOps.conv, inputs, attributes) as R;
}

/** A convolution with so many spatial axes. */
export interface ConvolutionFunction<Op extends string, Axes extends 1 | 2 | 3> {
  <
    S extends Shape,
    T extends Shape,
    D extends DType,
    E extends DType,
    const Stride extends PerAxis | undefined = undefined,
    const P extends Padding | undefined = undefined,
    const Dilation extends PerAxis | undefined = undefined,
    Groups extends number | undefined = undefined,
  >(
    x: Fits<About<"input", ConvResult<S, T, Axes, [Stride, P, Dilation, Groups], Op>>> & Tensor<S, D>,
    w: Fits<SameDType<D, E, About<"kernel", ConvResult<S, T, Axes, [Stride, P, Dilation, Groups], Op>>, Op>> &
      Tensor<T, E>,
    options?: Fits<About<"options", ConvResult<S, T, Axes, [Stride, P, Dilation, Groups], Op>>> &
      ConvolutionOptions<NoInfer<D>, Stride, P, Dilation, Groups>,
  ): Tensor<Ok<ConvResult<S, T, Axes, [Stride, P, Dilation, Groups], Op>>, D>;
}

/**
 * 1-D convolution, as networks mean it (cross-correlation): x [N, C, L], w [O, C / groups, k] → [N, O, L′].
 *
 * @example
 * ```ts
 * import { conv1d, tensor } from "@convoke/core";
 *
 * const f = tensor([[[1, 2, 3, 4]]]);
 * const g = tensor([[[1, 0, -1]]]);
 * console.log(await conv1d(f, g).data()); // Float32Array [-2, -2]
 * console.log(await conv1d(f, g, { flipKernel: true }).data()); // Float32Array [2, 2]
 * ```
 */
export const conv1d: ConvolutionFunction<"conv1d", 1> = (x, w, options) =>
  convolve(["conv1d", 1], { ...options, x, w });

/**
 * 2-D convolution, as networks mean it (cross-correlation): x [N, C, H, W], w [O, C / groups, kh, kw] →
 * [N, O, H′, W′], with H′ = ⌊(H + padding − dilation·(kh − 1) − 1) / stride⌋ + 1.
 *
 * @example
 * ```ts
 * import { conv2d, ones } from "@convoke/core";
 *
 * const y = conv2d(ones([1, 1, 28, 28]), ones([6, 1, 5, 5]), { padding: 2, bias: ones([6]) });
 * console.log(y.shape); // [1, 6, 28, 28]
 * ```
 */
export const conv2d: ConvolutionFunction<"conv2d", 2> = (x, w, options) =>
  convolve(["conv2d", 2], { ...options, x, w });

/** 3-D convolution (cross-correlation): x [N, C, D, H, W], w [O, C / groups, kd, kh, kw] → [N, O, D′, H′, W′]. */
export const conv3d: ConvolutionFunction<"conv3d", 3> = (x, w, options) =>
  convolve(["conv3d", 3], { ...options, x, w });
