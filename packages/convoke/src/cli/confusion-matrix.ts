// Which classes were taken for which.

/** Row: the true class; column: the predicted one. */
export type ConfusionMatrix = readonly (readonly number[])[];

export function confusionMatrix(
  classes: number,
  pairs: Iterable<readonly [truth: number, guess: number]>,
): ConfusionMatrix {
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const [truth, guess] of pairs) matrix[truth]![guess]!++;
  return matrix;
}

/** The matrix as a table: rows are the true classes, columns the predicted ones, by number. */
export function formatConfusion(matrix: ConfusionMatrix, classes: readonly string[]): string {
  const names = matrix.map((_, i) => classes[i] ?? String(i));
  const isNumbered = names.every((name, i) => name === String(i));
  const labels = names.map((name, i) => (isNumbered ? name : `${i} ${name}`));
  const width = Math.max(3, ...matrix.flat().map((count) => String(count).length));
  const margin = Math.max("true".length, ...labels.map((label) => label.length));
  const header = `${"true".padEnd(margin)}  ${matrix.map((_, i) => String(i).padStart(width)).join(" ")}   recall`;
  const rows = matrix.map((row, i) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    const recall = total === 0 ? "-" : `${((100 * row[i]!) / total).toFixed(1)} %`;
    const cells = row.map((count) => (count === 0 ? "·" : String(count)).padStart(width)).join(" ");
    return `${labels[i]!.padEnd(margin)}  ${cells}  ${recall.padStart(7)}`;
  });
  return [header, ...rows].join("\n");
}
