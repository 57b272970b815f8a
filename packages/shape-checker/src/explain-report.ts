// The working of a report as text.
import { formatShape } from "@convoke/shape";
import type { ModelReport } from "./report.js";
import { fieldText, printable } from "./report-text.js";

/**
 * Each number's formula with the values put in, layer by layer. n is the input's size, k the kernel's, s the stride, p the padding,
 * d the dilation.
 *
 * @example
 * ```ts
 * import { explainReport, textReport } from "@convoke/shape-checker";
 *
 * console.log(explainReport(textReport("input 1x32x32; conv 6@5x5")));
 * // …  connections = neurons · weights per filter = 4,704 · 26 = 122,304 …
 * ```
 */
export function explainReport({ inputShape, layers }: ModelReport): string {
  const blocks = layers.flatMap(({ path, kind, inputs, outputShape, receptiveField, working }) => {
    if (working.length === 0) return [];
    const from = inputs.map((i) => layers[i]?.outputShape ?? inputShape);
    const shapes = `${from.map(formatShape).join(", ")} → ${outputShape ? formatShape(outputShape) : "?"}`;
    const sees = receptiveField?.every(({ stride }) => stride > 0)
      ? `, sees ${fieldText(receptiveField)}`
      : "";
    return [
      [
        `${printable(path || kind)} (${printable(kind)})  ${shapes}${sees}`,
        ...working.map(
          ({ quantity, formula, values, result }) => `  ${quantity} = ${formula} = ${values} = ${result}`,
        ),
      ].join("\n"),
    ];
  });
  return blocks.join("\n\n");
}
