// Convolution and its gradients as products whose operands are read through windows (implicit GEMM).
import { specOf, type DType, type GraphNode, type Value } from "@convoke/core";
import {
  denseStrides,
  emitConv,
  emitConvFilterGrad,
  emitConvInputGrad,
  type Geometry,
} from "@convoke/core/planning";
import { shapeSize, type Shape } from "@convoke/shape";
import type { ProgramBuilder } from "../program/program-builder.js";
import { placeOf, positionsOf } from "../wgsl/indices.js";
import { ShaderText } from "../wgsl/shader.js";
import { filterStripsOf, filterStripShader } from "./filter-strips.js";
import type { GemmOperand } from "./gemm.js";
import { emitProduct, rectified, sumParts } from "./products.js";
import type { StripWalk } from "./strip-walk.js";
import { stripShader } from "./strips.js";

/** The three arrays of a convolution: x [N, C, …], w [O, C / groups, …], y [N, O, …]. */
interface Faces {
  readonly x: Shape;
  readonly w: Shape;
  readonly y: Shape;
}

/** Groups of so few filters or channels leave most of a tile empty: they are summed up directly. */
const LEAST_SIDE = 4;

/** Whether tiles serve a convolution; the sums in a loop take the rest, depthwise ones above all. */
function isTiled({ x, w, y }: Faces, { groups }: Geometry): boolean {
  if ([x, w, y].some((shape) => shapeSize(shape) === 0)) return false;
  return groups === 1 || (w[0]! / groups >= LEAST_SIDE && w[1]! >= LEAST_SIDE);
}

export function encodeConv(node: GraphNode, builder: ProgramBuilder): void {
  const [x, w, bias] = node.inputs as [Value, Value, Value | undefined];
  const geometry = node.attributes as Geometry;
  const y = builder.result({ node, index: 0 });
  const faces = { x: specOf(x).shape, w: specOf(w).shape, y: y.shape };
  if (shapeSize(y.shape) === 0) return;
  if (!isTiled(faces, geometry)) {
    emitConv(node, y, builder);
    if (builder.rectifies(node)) rectifyResult(node, builder);
    return;
  }
  const text = new ShaderText();
  const walk = walkOf(faces, geometry);
  const addend = bias === undefined ? undefined : builder.layoutOf(bias);
  const { dtype } = specOf(x);
  const { hasSubgroups } = builder.traits;
  const strips = stripWalkOf(faces, { geometry, dtype }, builder);
  if (strips !== undefined) {
    const finish = [
      addend === undefined
        ? ""
        : `value += ${text.reads(addend.buffer, "float32")}[${placeOf(["channel"], addend)}];`,
      builder.rectifies(node) ? `value = ${rectified(text)};` : "",
    ];
    const [, channels, high, wide] = faces.w as [number, number, number, number];
    const strides = {
      filter: channels * high * wide,
      channel: high * wide,
      tap: [wide, 1],
      offset: 0,
    } as const;
    const kernel = { buffer: builder.dense(w), strides };
    const operands = { x: builder.dense(x), w: kernel, target: y.buffer };
    builder.dispatch(stripShader(text, { walk: strips, ...operands, finish, hasSubgroups }));
    return;
  }
  const filter = `(batch * ${walk.filters} + row)`;
  emitProduct(
    text,
    {
      size: { batch: geometry.groups, rows: walk.filters, columns: walk.windows, depth: walk.taps },
      a: filterRows(text.source(builder.dense(w), dtype), walk),
      b: inputColumns(text.source(builder.dense(x), dtype), walk),
      target: y.buffer,
      dtype,
      place: `(column / ${walk.area} * ${faces.w[0]!} + ${filter}) * ${walk.area} + column % ${walk.area}`,
      bias: addend && text.source(addend.buffer, dtype)(placeOf([filter], addend)),
      rectify: builder.rectifies(node),
    },
    builder,
  );
}

export function encodeConvInputGrad(node: GraphNode, builder: ProgramBuilder): void {
  const [g, w] = node.inputs as [Value, Value];
  const geometry = node.attributes as Geometry;
  const x = builder.result({ node, index: 0 });
  const faces = { x: x.shape, w: specOf(w).shape, y: specOf(g).shape };
  if (shapeSize(x.shape) === 0) return;
  if (!isTiled(faces, geometry)) {
    emitConvInputGrad(node, x, builder);
    return;
  }
  const text = new ShaderText();
  const { dtype } = specOf(g);
  const { hasSubgroups } = builder.traits;
  const strips = stripWalkOf(faces, { geometry, dtype }, builder);
  if (strips?.stride.every((step) => step === 1) === true) {
    // The transpose is a convolution of the gradient with turned kernels.
    const [, channels, high, wide] = faces.w as [number, number, number, number];
    const { kernel, dilation, pads } = strips;
    const turned = {
      ...strips,
      channels: strips.filters,
      filters: channels,
      input: strips.output,
      output: strips.input,
      pads: [(kernel[0] - 1) * dilation[0] - pads[0], (kernel[1] - 1) * dilation[1] - pads[1]] as const,
    };
    const strides = {
      filter: high * wide,
      channel: channels * high * wide,
      tap: [-wide, -1],
      offset: high * wide - 1,
    } as const;
    const weights = { buffer: builder.dense(w), strides };
    const operands = { x: builder.dense(g), w: weights, target: x.buffer };
    builder.dispatch(stripShader(text, { walk: turned, ...operands, finish: [], hasSubgroups }));
    return;
  }
  const walk = walkOf(faces, geometry);
  const area = shapeSize(faces.x.slice(2));
  emitProduct(
    text,
    {
      size: {
        batch: geometry.groups,
        rows: walk.channels,
        columns: faces.x[0]! * area,
        depth: walk.filters * walk.kernel,
      },
      a: channelRows(text.source(builder.dense(w), dtype), walk),
      b: gradientColumns(text.source(builder.dense(g), dtype), walk),
      target: x.buffer,
      dtype,
      place: `(column / ${area} * ${faces.x[1]!} + batch * ${walk.channels} + row) * ${area} + column % ${area}`,
    },
    builder,
  );
}

export function encodeConvFilterGrad(node: GraphNode, builder: ProgramBuilder): void {
  const [x, g] = node.inputs as [Value, Value];
  const geometry = node.attributes as Geometry;
  const w = builder.result({ node, index: 0 });
  const faces = { x: specOf(x).shape, w: w.shape, y: specOf(g).shape };
  if (shapeSize(w.shape) === 0) return;
  if (!isTiled(faces, geometry)) {
    emitConvFilterGrad(node, w, builder);
    return;
  }
  const text = new ShaderText();
  const { dtype } = specOf(x);
  const { hasSubgroups } = builder.traits;
  const strips = stripWalkOf(faces, { geometry, dtype }, builder);
  const shares = strips && filterStripsOf(strips);
  if (strips !== undefined && shares !== undefined) {
    const results = shapeSize(w.shape);
    const target = shares.parts === 1 ? w.buffer : builder.scratch([shares.parts, results], "float32").buffer;
    const operands = { x: builder.dense(x), g: builder.dense(g), target };
    builder.dispatch(filterStripShader(text, { walk: strips, ...operands, strips: shares, hasSubgroups }));
    if (shares.parts > 1)
      sumParts({ from: target, to: w.buffer, dtype, parts: shares.parts, results }, builder);
    return;
  }
  const walk = walkOf(faces, geometry);
  emitProduct(
    text,
    {
      size: { batch: geometry.groups, rows: walk.filters, columns: walk.taps, depth: walk.windows },
      a: gradientRows(text.source(builder.dense(g), dtype), walk),
      b: inputTaps(text.source(builder.dense(x), dtype), walk),
      target: w.buffer,
      dtype,
      place: `(batch * ${walk.filters} + row) * ${walk.taps} + column`,
    },
    builder,
  );
}

/** What strips need to know, where they are the way: over float32 planes of one group, on a device in software. */
function stripWalkOf(
  { x, w, y }: Faces,
  { geometry, dtype }: { readonly geometry: Geometry; readonly dtype: DType },
  builder: ProgramBuilder,
): StripWalk | undefined {
  if (!builder.traits.isSoftware || dtype !== "float32") return undefined;
  if (x.length !== 4 || geometry.groups !== 1) return undefined;
  const plane = ([, , high, wide]: Shape): readonly [number, number] => [high!, wide!];
  const { stride, dilation, pads } = geometry;
  return {
    images: x[0]!,
    channels: x[1]!,
    filters: w[0]!,
    input: plane(x),
    output: plane(y),
    kernel: plane(w),
    stride: [stride[0]!, stride[1]!],
    dilation: [dilation[0]!, dilation[1]!],
    pads: [pads[0]![0], pads[1]![0]],
  };
}

/** Negative elements of a result that was just computed become 0, in a buffer of its own. */
function rectifyResult(node: GraphNode, builder: ProgramBuilder): void {
  const value = { node, index: 0 };
  const from = builder.layoutOf(value);
  const { dtype } = specOf(value);
  const to = builder.scratch(from.shape, dtype);
  const access = { dtype, strides: denseStrides(from.shape), offset: 0 } as const;
  builder.loop({
    shape: from.shape,
    inputs: [{ ...access, buffer: from.buffer }],
    steps: [
      { op: "constant", arguments: [], dtype, value: 0 },
      { op: "maximum", arguments: [0, 1], dtype },
    ],
    outputs: [{ ...access, buffer: to.buffer, value: 2 }],
  });
  builder.define(value, to);
}

/** Sizes of a convolution, within one group where groups matter. */
interface Walk {
  readonly faces: Faces;
  readonly geometry: Geometry;
  readonly filters: number;
  readonly channels: number;
  /** Positions of a kernel. */
  readonly kernel: number;
  /** Channels times positions of a kernel. */
  readonly taps: number;
  /** Positions of a result plane. */
  readonly area: number;
  /** Images times positions of a result plane. */
  readonly windows: number;
}

function walkOf(faces: Faces, geometry: Geometry): Walk {
  const { w, y } = faces;
  const [area, kernel] = [shapeSize(y.slice(2)), shapeSize(w.slice(2))];
  return {
    faces,
    geometry,
    filters: w[0]! / geometry.groups,
    channels: w[1]!,
    kernel,
    taps: w[1]! * kernel,
    area,
    windows: y[0]! * area,
  };
}

/** The values of an operand, by their place. */
type Source = (place: string) => string;

/** w as [filter, channel and kernel position]. */
function filterRows(w: Source, { filters, taps }: Walk): GemmOperand {
  return {
    keeps: "depth",
    outer: (index) => `let aStart = (batch * ${filters} + ${index}) * ${taps};`,
    depth: (index) => `let aDepth = ${index};`,
    element: w("aStart + aDepth"),
  };
}

/** w as [channel, filter and kernel position]. */
function channelRows(w: Source, { filters, kernel, taps }: Walk): GemmOperand {
  return {
    keeps: "depth",
    outer: (index) => `let aStart = batch * ${filters * taps} + ${index} * ${kernel};`,
    depth: (index) => `let aDepth = ${index} / ${kernel} * ${taps} + ${index} % ${kernel};`,
    element: w("aStart + aDepth"),
  };
}

/** The gradient as [filter, image and position]. */
function gradientRows(g: Source, { filters, faces, area }: Walk): GemmOperand {
  return {
    keeps: "depth",
    outer: (index) => `let aStart = (batch * ${filters} + ${index}) * ${area};`,
    depth: (index) => `let aDepth = ${index} / ${area} * ${faces.y[1]! * area} + ${index} % ${area};`,
    element: g("aStart + aDepth"),
  };
}

/** The positions of a window in x: image and first tap of a position of y, by name. */
function windowOf(index: string, { faces, geometry }: Walk): string {
  const spatial = faces.y.slice(2);
  const { code, names } = positionsOf(index, [faces.y[0]!, ...spatial], "w");
  const firsts = spatial.map(
    (_, i) => `let first${i} = ${names[i + 1]!} * ${geometry.stride[i]!} - ${geometry.pads[i]![0]};`,
  );
  return [code, `let image = ${names[0]!};`, ...firsts].join("\n");
}

/** The channel and the reach of a tap, by name. */
function tapOf(index: string, { faces, geometry }: Walk): string {
  const { code, names } = positionsOf(index, faces.w.slice(1), "t");
  const reaches = geometry.dilation.map((d, i) => `let reach${i} = ${names[i + 1]!} * ${d};`);
  return [code, `let channel = ${names[0]!};`, ...reaches].join("\n");
}

/** The element of x under a tap of a window, and whether there is one. */
function inputElement(x: Source, { faces, channels }: Walk): Pick<GemmOperand, "condition" | "element"> {
  const spatial = faces.x.slice(2);
  const strides = denseStrides(faces.x);
  const at = spatial.map((_, i) => `(first${i} + reach${i})`);
  const place = placeOf(["image", `(batch * ${channels} + channel)`, ...at], { strides, offset: 0 });
  // A negative position is a huge one without a sign.
  return {
    condition: at.map((position, i) => `(u32${position} < ${spatial[i]!}u)`).join(" & "),
    element: x(place),
  };
}

/** x as [channel and kernel position, image and window]. */
function inputColumns(x: Source, walk: Walk): GemmOperand {
  return {
    keeps: "outer",
    outer: (index) => windowOf(index, walk),
    depth: (index) => tapOf(index, walk),
    ...inputElement(x, walk),
  };
}

/** x as [image and window, channel and kernel position]. */
function inputTaps(x: Source, walk: Walk): GemmOperand {
  return {
    keeps: "depth",
    outer: (index) => tapOf(index, walk),
    depth: (index) => windowOf(index, walk),
    ...inputElement(x, walk),
  };
}

/** The gradient as [filter and kernel position, image and position of x]. */
function gradientColumns(g: Source, { faces, geometry, filters }: Walk): GemmOperand {
  const spatial = faces.x.slice(2);
  const column = positionsOf("COLUMN", [faces.x[0]!, ...spatial], "p");
  const tap = positionsOf("TAP", [filters, ...faces.w.slice(2)], "t");
  const reach = spatial.map((_, i) => `let from${i} = ${column.names[i + 1]!} + ${geometry.pads[i]![0]};`);
  const far = spatial.map((_, i) => `(from${i} - ${tap.names[i + 1]!} * ${geometry.dilation[i]!})`);
  const windows = far.map((position, i) => {
    const step = geometry.stride[i]!;
    return step === 1 ? position : `(${position} / ${step})`;
  });
  const condition = far.map((position, i) => {
    const [step, extent] = [geometry.stride[i]!, faces.y[i + 2]!];
    const isWhole = step === 1 ? "" : `(${position} % ${step} == 0) & `;
    return `${isWhole}(u32${position} < ${extent * step}u)`;
  });
  const place = placeOf([column.names[0]!, `(batch * ${filters} + ${tap.names[0]!})`, ...windows], {
    strides: denseStrides(faces.y),
    offset: 0,
  });
  return {
    keeps: "outer",
    outer: (index) => [column.code.replaceAll("COLUMN", index), ...reach].join("\n"),
    depth: (index) => tap.code.replaceAll("TAP", index),
    condition: condition.join(" & "),
    element: g(place),
  };
}
