// Options of windows in types.

/** One number for all spatial axes, or a number for each. */
export type PerAxis = number | readonly number[];

/** The value of an option; `undefined` is an option left out. */
export type Given<V, Absent extends Bound, Bound> = [V] extends [undefined] ? Absent : Extract<V, Bound>;
