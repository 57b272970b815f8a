// Values of options, checked where they are read.
import { UsageError } from "./usage-error.js";

function refuse(flag: string, value: string, rule: string): never {
  throw new UsageError({
    operation: flag,
    problem: `got "${value}", ${rule}.`,
    wayOut: "See `convoke help` for what each option takes.",
  });
}

/** A parser for whole numbers of at least `least`. */
export function wholeNumber(flag: string, least: number): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (/^[+-]?\d+$/.test(value.trim()) && Number.isSafeInteger(number) && number >= least) return number;
    return refuse(flag, value, `it takes a whole number of at least ${least}`);
  };
}

/** A parser for finite numbers above 0. */
export function positiveNumber(flag: string): (value: string) => number {
  return (value) => {
    const number = value.trim() === "" ? Number.NaN : Number(value);
    return Number.isFinite(number) && number > 0 ? number : refuse(flag, value, "it takes a number above 0");
  };
}

/** A parser for finite numbers from 0 on. */
export function atLeastZero(flag: string): (value: string) => number {
  return (value) => {
    const number = value.trim() === "" ? Number.NaN : Number(value);
    return Number.isFinite(number) && number >= 0
      ? number
      : refuse(flag, value, "it takes a number from 0 on");
  };
}

/** A parser for shapes: `1,28,28` or `1x28x28`. */
export function shape(flag: string): (value: string) => readonly number[] {
  return (value) => {
    const dims = value.split(/[,x×]/).map((dim) => dim.trim());
    if (dims.every((dim) => /^\d+$/.test(dim) && Number(dim) >= 1 && Number(dim) <= 2 ** 31))
      return dims.map(Number);
    return refuse(flag, value, "it takes sizes of at least 1 separated by commas, for instance 1,28,28");
  };
}

/** A parser for names separated by commas. */
export function names(flag: string): (value: string) => readonly string[] {
  return (value) => {
    const list = value.split(",").map((name) => name.trim());
    return list.every((name) => name !== "")
      ? list
      : refuse(flag, value, "it takes names separated by commas");
  };
}
