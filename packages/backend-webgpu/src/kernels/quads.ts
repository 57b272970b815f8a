// Loads that four neighbouring invocations share: where a load takes as long as twenty multiply-adds, each does a fourth
// of them and hands its values to the others.

/** How the invocations of a shader get at `count` values that all four of a quad need. */
export interface Quads {
  /** Statements at the start of the shader, where no invocation has left yet. */
  readonly setup: readonly string[];
  /** The numbers, below `count`, of what an invocation loads itself. */
  readonly own: readonly string[];
  /** Value `number`, where an invocation has what it loaded as `name` and the place in `own`. */
  value(name: string, number: number): string;
}

const QUAD = 4;

/** With subgroups the loads are shared. All that decides what is loaded must be the same throughout a workgroup. */
export function quadsOf(count: number, hasSubgroups: boolean): Quads {
  if (!hasSubgroups) {
    const own = Array.from({ length: count }, (_, i) => String(i));
    return { setup: [], own, value: (name, number) => `${name}${number}` };
  }
  // Which invocations are a quad is up to the device: each asks for the numbers of the others.
  const corners = [1, 2, 3].map((i) => `select(0, ${i}, lane == quadBroadcast(lane, ${i}u))`);
  return {
    setup: [`let corner = ${corners.join(" + ")};`],
    own: Array.from({ length: Math.ceil(count / QUAD) }, (_, i) => {
      const number = i === 0 ? "corner" : `corner + ${QUAD * i}`;
      return QUAD * (i + 1) <= count ? number : `min(${number}, ${count - 1})`;
    }),
    value: (name, number) => `quadBroadcast(${name}${Math.floor(number / QUAD)}, ${number % QUAD}u)`,
  };
}
