// Index arithmetic: positions along axes from a running number, and the places of elements from positions.
import type { Access } from "@convoke/core/planning";

/** Declares the positions along the axes of `shape` of element number `index` (i32), by name. */
export function positionsOf(
  index: string,
  shape: readonly number[],
  prefix: string,
): { code: string; names: string[] } {
  const names = shape.map((_, axis) => `${prefix}${axis}`);
  const lines: string[] = [];
  let rest = index;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const extent = shape[axis]!;
    if (axis === 0) {
      lines.push(`let ${names[axis]!} = ${rest};`);
    } else {
      lines.push(`let ${names[axis]!} = ${rest} % ${extent};`);
      const next = `${prefix}Rest${axis}`;
      lines.push(`let ${next} = ${rest} / ${extent};`);
      rest = next;
    }
  }
  return { code: lines.join("\n"), names };
}

/** offset + Σ position · stride, an i32 expression. */
export function placeOf(
  names: readonly string[],
  { strides, offset }: Pick<Access, "strides" | "offset">,
): string {
  const terms = names.flatMap((name, axis) => {
    const stride = strides[axis]!;
    if (stride === 0) return [];
    return [stride === 1 ? name : `${name} * ${stride < 0 ? `(${stride})` : stride}`];
  });
  if (offset !== 0 || terms.length === 0) terms.push(offset < 0 ? `(${offset})` : String(offset));
  return terms.join(" + ");
}
