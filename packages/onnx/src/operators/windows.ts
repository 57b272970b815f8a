// Windows over spatial axes as ONNX writes them: kernel, strides, dilations, pads or auto_pad.
import type { NodeCall } from "../import/node-call.js";

export type Pair = readonly [before: number, after: number];

/** Sizes that no net has; loops over windows stay short. */
const WIDEST = 2 ** 20;

export interface Windows {
  readonly size: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
  readonly pads: readonly Pair[];
  /** Windows along each axis. */
  readonly output: readonly number[];
}

/** A list with a number for each spatial axis. */
export function perAxis(
  call: NodeCall,
  name: string,
  { axes, absent, least }: { axes: number; absent: number; least: number },
): number[] {
  const values = call.ints(name) ?? new Array<number>(axes).fill(absent);
  const isGood = values.length === axes && values.every((n) => n >= least && n <= WIDEST);
  return isGood
    ? values
    : call.fail(`${name} [${values.join(", ")}]`, `it has ${axes} numbers, from ${least} to ${WIDEST}`);
}

export const AUTO_PADS = ["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"] as const;

/** The elements that a dilated window spans. */
export function reach(size: number, dilation: number): number {
  return (size - 1) * dilation + 1;
}

/** The pads attribute, all befores first. */
export function explicitPads(call: NodeCall, axes: number): Pair[] {
  const pads = call.ints("pads") ?? new Array<number>(2 * axes).fill(0);
  const isGood = pads.length === 2 * axes && pads.every((n) => Math.abs(n) <= WIDEST);
  if (!isGood) call.fail(`pads [${pads.join(", ")}]`, `there are two for each of ${axes} axes`);
  return Array.from({ length: axes }, (_, i) => [pads[i]!, pads[i + axes]!]);
}

/** Shares `total` out; the odd one goes to the end, or with SAME_LOWER to the beginning. */
export function shared(total: number, isLower: boolean): Pair {
  const less = Math.floor(total / 2);
  return isLower ? [total - less, less] : [less, total - less];
}

/** The windows over `spatial` of a convolution or pooling with windows of `size`. */
export function windowsOf(call: NodeCall, spatial: readonly number[], size: readonly number[]): Windows {
  const axes = spatial.length;
  const stride = perAxis(call, "strides", { axes, absent: 1, least: 1 });
  const dilation = perAxis(call, "dilations", { axes, absent: 1, least: 1 });
  const auto = call.choice("auto_pad", AUTO_PADS, "NOTSET");
  const isCeil = call.flag("ceil_mode", false);
  const given = explicitPads(call, axes);
  const pads = spatial.map((n, i): Pair => {
    if (auto === "NOTSET") return given[i]!;
    if (auto === "VALID") return [0, 0];
    const windows = Math.ceil(n / stride[i]!);
    const total = Math.max(0, (windows - 1) * stride[i]! + reach(size[i]!, dilation[i]!) - n);
    return shared(total, auto === "SAME_LOWER");
  });
  const output = spatial.map((n, i) => {
    const [before, after] = pads[i]!;
    const room = n + before + after - reach(size[i]!, dilation[i]!);
    if (room < 0)
      call.fail(`a window of ${reach(size[i]!, dilation[i]!)} over ${n + before + after}`, "it must fit");
    if (!isCeil) return Math.floor(room / stride[i]!) + 1;
    const windows = Math.ceil(room / stride[i]!) + 1;
    // A window that would begin behind the input and its padding in front is left out.
    return (windows - 1) * stride[i]! >= n + before ? windows - 1 : windows;
  });
  return { size, stride, dilation, pads, output };
}

/** Refuses windows that hold nothing but padding. */
export function checkWindows(call: NodeCall, spatial: readonly number[], windows: Windows): void {
  const { size, stride, dilation, pads, output } = windows;
  spatial.forEach((n, i) => {
    call.checkCount(output[i]!);
    for (let o = 0; o < output[i]!; o++) {
      const start = o * stride[i]! - pads[i]![0];
      const first = start + Math.max(0, Math.ceil(-start / dilation[i]!)) * dilation[i]!;
      if (first < n && first < start + reach(size[i]!, dilation[i]!)) continue;
      call.fail(
        `window ${o} along an axis of ${n} that sees nothing but padding`,
        "each window sees the input",
      );
    }
  });
}
