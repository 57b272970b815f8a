// Receptive fields: which elements of the input one position of a value depends on.
import type { Shape } from "@convoke/shape";
import type { Dependency, Flow, Network } from "./network.js";

/**
 * Along one spatial axis of the input: the output at position i sees the elements from `offset + stride · i` on, `size` of
 * them; those outside the input are padding. A stride of 0: every output sees the same elements.
 */
export interface AxisField {
  readonly size: number;
  readonly stride: number;
  readonly offset: number;
}

/** An axis field, and the axis of the value along which it moves. */
export interface TrackedField extends AxisField {
  readonly axis: number | undefined;
}

/** One for each spatial axis of the network's first input; undefined where the value does not depend on the input. */
export type Field = readonly TrackedField[] | undefined;

/** The field of every step's output. */
export function fieldsOf({ inputs, steps }: Network): Field[] {
  const fields: Field[] = [];
  const shapeOf = (value: number): Shape => (value < 0 ? inputs[-1 - value]! : steps[value]!.output);
  for (const step of steps) {
    let field: Field;
    for (const { value, flow } of step.inputs) {
      const before = fieldOf({ inputs, fields }, value);
      const after = before?.map((axis) => moved(axis, flow, shapeOf(value)));
      field = union(field, after, step.output);
    }
    fields.push(field);
  }
  return fields;
}

/** The field of what a step reads. */
export function fieldOf(
  { inputs, fields }: { inputs: readonly Shape[]; fields: readonly Field[] },
  value: Dependency["value"],
): Field {
  if (value >= 0) return fields[value];
  return value === -1 ? spatialAxes(inputs[0]!).map(elementField) : undefined;
}

/** Behind batch and channels; of a list of words, its positions. */
export function spatialAxes(input: Shape): number[] {
  return [...input.keys()].slice(input.length === 2 ? 1 : 2);
}

function elementField(axis: number): TrackedField {
  return { size: 1, stride: 1, offset: 0, axis };
}

function moved(field: TrackedField, flow: Flow, input: Shape): TrackedField {
  const { axis, size, stride, offset } = field;
  if (axis === undefined) return field;
  if (flow.kind === "axes") {
    const to = flow.from.indexOf(axis);
    return to < 0 ? mixed(field, input) : { ...field, axis: to };
  }
  if (flow.kind === "shift") {
    return {
      ...field,
      offset: offset + flow.begin[axis]! * stride,
      stride: stride * flow.step[axis]!,
    };
  }
  if (axis < 2) return mixed(field, input);
  const { geometry } = flow;
  const [s, before] = [geometry.stride[axis - 2]!, geometry.pads[axis - 2]![0]];
  const reach = geometry.dilation[axis - 2]! * (geometry.size[axis - 2]! - 1);
  if (flow.kind === "windows") {
    return { axis, size: size + reach * stride, stride: stride * s, offset: offset - before * stride };
  }
  // Output o gets input i where o = i·s − before + t·d: at most ⌈(reach + 1)/s⌉ inputs, the first one for o = 0 here.
  const inputs = Math.ceil((reach + 1) / s);
  const first = Math.ceil((before - reach) / s);
  return { axis, size: size + (inputs - 1) * stride, stride: stride / s, offset: offset + first * stride };
}

/** All positions along the axis together. */
function mixed({ axis, size, stride, offset }: TrackedField, shape: Shape): TrackedField {
  const way = stride * ((axis === undefined ? 1 : shape[axis]!) - 1);
  return { axis: undefined, stride: 0, size: size + Math.abs(way), offset: offset + Math.min(0, way) };
}

function union(a: Field, b: Field, shape: Shape): Field {
  if (a === undefined || b === undefined) return a ?? b;
  return a.map((one, i) => {
    let [left, right] = [one, b[i]!];
    if (left.axis !== right.axis || left.stride !== right.stride) {
      [left, right] = [mixed(left, shape), mixed(right, shape)];
    }
    const offset = Math.min(left.offset, right.offset);
    const end = Math.max(left.offset + left.size, right.offset + right.size);
    return { axis: left.axis, stride: left.stride, offset, size: end - offset };
  });
}
