// Labels are checked on the host, where the message can name the example: in a program they would only pick a wrong row.
import { isFloat } from "@convoke/core";
import { assertLabels } from "@convoke/layers";
import type { Shape } from "@convoke/shape";
import type { HostBatch } from "./batch.js";

/**
 * Refuses labels that the model has no output for. It looks only where it knows both: with a classification loss by
 * name, and a model whose output is [examples, classes, …].
 */
export function checkClassLabels(
  batch: HostBatch,
  { loss, outputShape }: { loss: unknown; outputShape: Shape | undefined },
): void {
  const labels = batch.fields["y"];
  const classes = outputShape?.[1];
  if (loss !== "crossEntropy" && loss !== "nll") return;
  if (labels === undefined || classes === undefined || isFloat(labels.dtype)) return;
  assertLabels(labels.data, classes);
}
