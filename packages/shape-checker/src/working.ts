// The working, for students: each number's formula with the values put in.
import { shapeSize } from "@convoke/shape";
import type { LayerWork } from "./layer-work.js";
import type { ActivationBytes } from "./memory.js";
import type { Geometry, NetworkLayer, Operator } from "./network.js";
import type { Field, TrackedField } from "./receptive-field.js";
import type { SumCounts } from "./report.js";

/** One number: `quantity = formula = values = result`. */
export interface Working {
  readonly quantity: string;
  readonly formula: string;
  /** The formula with the values put in. */
  readonly values: string;
  readonly result: string;
}

/** What is known of a layer when its working is written. */
export interface WorkingParts {
  readonly layer: NetworkLayer;
  readonly work: LayerWork;
  readonly counts: SumCounts;
  readonly activations: ActivationBytes;
  /** Of its output, and of what its operator reads. */
  readonly field: Field;
  readonly read: Field;
}

export function workingOf(parts: WorkingParts): Working[] {
  const { layer, work, activations } = parts;
  const { operator } = work;
  const lines = operator === undefined ? [] : sizeLines(operator);
  if (work.sums !== undefined) lines.push(...sumLines(parts));
  if (operator !== undefined && operator.kind !== "dense" && parts.field && parts.read) {
    lines.push(...fieldLines(operator, parts.read, parts.field));
  }
  if (activations.inference > 0 && layer.outputShape !== undefined) {
    const shape = layer.outputShape;
    lines.push({
      quantity: "activation memory",
      formula: "elements · bytes each",
      values: `${product(shape)} · ${count(activations.inference / shapeSize(shape))}`,
      result: `${count(activations.inference)} bytes`,
    });
    const more = activations.training - activations.inference;
    if (more > 0) {
      lines.push({
        quantity: "kept for training",
        formula: "output + positions of the maxima",
        values: `${count(activations.inference)} + ${count(more)}`,
        result: `${count(activations.training)} bytes`,
      });
    }
  }
  return lines;
}

/** As it is written in every output: 4,704. */
export function count(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 3 });
}

function product(shape: readonly number[]): string {
  return shape.length === 0 ? "1" : shape.join("·");
}

/** What differs from axis to axis is listed axis by axis; else once. */
function perAxis<T>(axes: readonly number[], line: (axis: number) => T): T[] {
  const lines = axes.map(line);
  const isSame = lines.every((one) => JSON.stringify(one) === JSON.stringify(lines[0]));
  return isSame ? lines.slice(0, 1) : lines;
}

function axisName(axis: number, axes: number): string {
  return axes === 2 ? ["height", "width"][axis]! : `axis ${axis + 1}`;
}

function sizeLines(operator: Operator): Working[] {
  if (operator.kind === "dense") return [];
  const { spatial, geometry } = operator;
  const axes = [...spatial.keys()];
  const isTransposed = operator.kind === "transposed convolution";
  const lines = perAxis(axes, (axis) =>
    (isTransposed ? spreadLine : windowLine)(spatial[axis]!, geometry, axis),
  );
  return lines.map((line, axis) => ({
    ...line,
    quantity: lines.length === 1 ? "output size" : `output ${axisName(axis, axes.length)}`,
  }));
}

type SizeLine = Omit<Working, "quantity">;

function windowLine(n: number, geometry: Geometry, axis: number): SizeLine {
  const { size, stride, dilation, pads, output } = geometry;
  const [k, s, d] = [size[axis]!, stride[axis]!, dilation[axis]!];
  const [before, after] = pads[axis]!;
  const padding = before === after ? `2·${before}` : `${before} + ${after}`;
  const rounded = Math.floor((n + before + after - (d * (k - 1) + 1)) / s) + 1;
  // In ceil mode the last window may reach over the end.
  const [open, close] = rounded === output[axis] ? ["⌊", "⌋"] : ["⌈", "⌉"];
  const span = d === 1 ? String(k) : `(${d}·(${k} − 1) + 1)`;
  return {
    formula: `${open}(n + ${before === after ? "2p" : "padding"} − ${d === 1 ? "k" : "(d(k − 1) + 1)"})/s${close} + 1`,
    values: `${open}(${n} + ${padding} − ${span})/${s}${close} + 1`,
    result: String(output[axis]),
  };
}

function spreadLine(n: number, geometry: Geometry, axis: number): SizeLine {
  const { size, stride, dilation, pads, output } = geometry;
  const [k, s, d] = [size[axis]!, stride[axis]!, dilation[axis]!];
  const [before, after] = pads[axis]!;
  const extra = output[axis]! - ((n - 1) * s - before - after + d * (k - 1) + 1);
  return {
    formula: `(n − 1)·s − padding + d(k − 1) + 1${extra === 0 ? "" : " + output padding"}`,
    values: `(${n} − 1)·${s} − ${before + after} + ${d}·(${k} − 1) + 1${extra === 0 ? "" : ` + ${extra}`}`,
    result: String(output[axis]),
  };
}

function sumLines({ layer, work, counts }: WorkingParts): Working[] {
  const { operator, sums } = work;
  const { weightsPerFilter, neurons = 0, connections = 0 } = counts;
  const hasBias = layer.biases > 0;
  const lines: Working[] = [];
  const per = weightsPerFilter ?? 0;
  const isConvolution = operator?.kind === "convolution";
  if (weightsPerFilter !== undefined && operator !== undefined && operator.kind !== "pooling") {
    const kernel =
      operator.kind === "dense"
        ? count(operator.inputs)
        : `${product(operator.geometry.size)}·${count(operator.channels)}`;
    lines.push({
      quantity: "weights per filter",
      formula: `${operator.kind === "dense" ? "inputs" : operator.groups === 1 ? "kernel · channels" : "kernel · channels of a group"}${hasBias ? " + 1 bias" : ""}`,
      values: `${kernel}${hasBias ? " + 1" : ""}`,
      result: count(per),
    });
  }
  lines.push({
    quantity: "neurons",
    formula: "size of the output",
    values: product(layer.outputShape ?? [neurons]),
    result: count(neurons),
  });
  if (weightsPerFilter !== undefined) {
    lines.push({
      quantity: "connections",
      formula: "neurons · weights per filter",
      values: `${count(neurons)} · ${count(per)}`,
      result: count(connections),
    });
  }
  const parameters = layer.weights + layer.biases;
  if (isConvolution || operator?.kind === "dense") {
    const filters = operator.kind === "dense" ? operator.units : operator.filters;
    const name = operator.kind === "dense" ? "units" : "filters";
    if (filters * per === parameters) {
      lines.push({
        quantity: "parameters",
        formula: `${name} · weights per filter`,
        values: `${count(filters)} · ${count(per)}`,
        result: count(parameters),
      });
    }
    if (hasBias && filters * (per - 1) === layer.weights) {
      lines.push({
        quantity: "parameters without bias",
        formula: `${name} · (weights per filter − 1)`,
        values: `${count(filters)} · ${count(per - 1)}`,
        result: count(layer.weights),
      });
    }
  }
  if (weightsPerFilter !== undefined) {
    lines.push({
      quantity: "multiply-adds",
      formula: `neurons · ${hasBias ? "(weights per filter − 1)" : "weights per filter"}`,
      values: `${count(neurons)} · ${count(per - (hasBias ? 1 : 0))}`,
      result: count(sums!.products),
    });
  }
  return lines;
}

/** r = r₀ + d(k − 1)·j₀, j = j₀·s, offset = o₀ − p·j₀, as in "Computing receptive fields" (Araujo et al., Distill 2019). */
function fieldLines(
  { geometry, kind }: Exclude<Operator, { kind: "dense" }>,
  read: readonly TrackedField[],
  field: readonly TrackedField[],
): Working[] {
  const isTracked = read.every((axis, i) => axis.axis !== undefined && field[i]?.axis !== undefined);
  if (kind === "transposed convolution" || !isTracked) return [];
  const axes = [...read.keys()];
  const lines = perAxis(axes, (axis) => {
    const [k, s, d] = [geometry.size[axis]!, geometry.stride[axis]!, geometry.dilation[axis]!];
    const [before] = geometry.pads[axis]!;
    const { size, stride, offset } = read[axis]!;
    const after = field[axis]!;
    return [
      {
        quantity: "receptive field",
        formula:
          d === 1 ? "field before + (k − 1) · stride before" : "field before + d(k − 1) · stride before",
        values: `${count(size)} + ${d === 1 ? "" : `${d}·`}(${k} − 1) · ${count(stride)}`,
        result: count(after.size),
      },
      {
        quantity: "its stride",
        formula: "stride before · s",
        values: `${count(stride)} · ${s}`,
        result: count(after.stride),
      },
      {
        quantity: "its offset",
        formula: "offset before − p · stride before",
        values: `${count(offset)} − ${before} · ${count(stride)}`,
        result: count(after.offset),
      },
    ];
  });
  return lines.flatMap((group, axis) =>
    lines.length === 1
      ? group
      : group.map((line) => ({ ...line, quantity: `${line.quantity} (${axisName(axis, axes.length)})` })),
  );
}
