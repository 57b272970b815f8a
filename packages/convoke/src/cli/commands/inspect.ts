import { formatReport, report } from "@convoke/shape-checker";
import { existsSync } from "node:fs";
import { readModelFile } from "../classifier.js";
import { modelNames, openModel } from "../model-names.js";
import { suggestion } from "../nearest-name.js";
import { formatSummary, summaryOf } from "../onnx-summary.js";
import type { Terminal } from "../terminal.js";
import { UsageError } from "../usage-error.js";

export interface InspectOptions {
  /** Of one sample. */
  readonly input?: readonly number[];
}

/** `convoke inspect MODEL.onnx|NAME`: the shape checker's report of a model by name, or what a file holds. */
export async function inspectCommand(
  target: string,
  options: InspectOptions,
  terminal: Terminal,
): Promise<void> {
  if (modelNames.includes(target)) {
    const { model, inputShape, dtype } = openModel(target, { inputShape: options.input });
    const result = report(model, inputShape, { dtype });
    terminal.print(formatReport(result));
    terminal.result({ model: target, ...result });
    return;
  }
  if (!target.endsWith(".onnx") && !existsSync(target)) {
    throw new UsageError({
      operation: "inspect",
      problem: `"${target}" is neither a file nor the name of a model.`,
      wayOut: suggestion(target, modelNames),
    });
  }
  if (options.input !== undefined) {
    throw new UsageError({
      operation: "--input",
      problem: "an .onnx file says itself what it takes.",
      wayOut: "Leave --input out.",
    });
  }
  const { bytes, model } = await readModelFile(target);
  const summary = summaryOf(target, model, bytes.length);
  terminal.print(formatSummary(summary));
  terminal.result({ ...summary });
}
