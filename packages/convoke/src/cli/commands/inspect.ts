import { ConvokeError } from "@convoke/core";
import {
  explainReport,
  formatReport,
  formatSolutions,
  onnxReport,
  parseEquation,
  report,
  reportToHtml,
  reportToMarkdown,
  reportToSvg,
  textReport,
  type ModelReport,
  type NetworkOptions,
} from "@convoke/shape-checker";
import { ShapeError } from "@convoke/shape";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import process from "node:process";
import { readModelFile } from "../classifier.js";
import { modelNames, openModel } from "../model-names.js";
import { suggestion } from "../nearest-name.js";
import { formatSummary, summaryOf, type OnnxSummary } from "../onnx-summary.js";
import type { Terminal } from "../terminal.js";
import { UsageError } from "../usage-error.js";

export interface InspectOptions {
  /** Of one sample. */
  readonly input?: readonly number[];
  readonly batch?: number;
  readonly explain?: boolean;
  readonly markdown?: boolean;
  readonly html?: string;
  readonly svg?: string;
  /** An equation. */
  readonly solve?: string;
}

/** What there is to show: a report, for a file also its summary, and why a file has no report. */
interface Inspection {
  readonly summary?: OnnxSummary;
  readonly report?: ModelReport;
  readonly problem?: string;
}

/** `convoke inspect NAME|TEXT|MODEL.onnx`: the shape checker's report; with `--solve`, the solutions of an equation. */
export async function inspectCommand(
  target: string | undefined,
  options: InspectOptions,
  terminal: Terminal,
): Promise<void> {
  if (options.solve !== undefined) {
    solve(target, options.solve, terminal);
    return;
  }
  if (target === undefined) {
    throw new UsageError({
      operation: "inspect",
      problem: "there is nothing to inspect.",
      wayOut:
        'Name a model or an .onnx file, or write a network: convoke inspect "input 1x28x28; conv 6@5x5".',
    });
  }
  const { summary, report: found, problem } = await inspection(target, options);
  if (found === undefined && needsReport(options)) {
    throw new UsageError({
      operation: "inspect",
      problem: `there is no report to write: ${problem ?? ""}`,
      wayOut: "Give --input, or leave --explain, --markdown, --html and --svg out.",
    });
  }
  if (options.markdown === true && found !== undefined) terminal.print(reportToMarkdown(found).trimEnd());
  else print({ summary, report: found, problem }, options, terminal);
  if (found !== undefined) await writePictures(found, options, terminal);
  terminal.result({ ...summary, ...(found && asJson(found, options)), ...(problem && { problem }) });
}

function needsReport({ explain, markdown, html, svg }: InspectOptions): boolean {
  return explain === true || markdown === true || html !== undefined || svg !== undefined;
}

function solve(target: string | undefined, equation: string, terminal: Terminal): void {
  if (target !== undefined) {
    throw new UsageError({
      operation: "--solve",
      problem: `it takes an equation, and "${target}" is something to inspect besides.`,
      wayOut: 'Write only convoke inspect --solve "n=32 k=? s=1 p=2 out=32".',
    });
  }
  const solutions = parseEquation(equation);
  terminal.print(formatSolutions(solutions));
  const { count } = solutions;
  terminal.result({ ...solutions, count: Number.isFinite(count) ? count : "every larger one" });
}

async function inspection(target: string, options: InspectOptions): Promise<Inspection> {
  const network: NetworkOptions = { batchSize: options.batch };
  if (modelNames.includes(target)) {
    const { model, inputShape, dtype } = openModel(target, { inputShape: options.input });
    return { report: { ...report(model, inputShape, { dtype, ...network }), kind: target } };
  }
  if (isNetworkText(target)) {
    if (options.input !== undefined) {
      throw new UsageError({
        operation: "--input",
        problem: "a network in words begins with its input.",
        wayOut: "Leave --input out, and change the input in the text.",
      });
    }
    return { report: textReport(target, network) };
  }
  if (!target.endsWith(".onnx") && !existsSync(target)) {
    throw new UsageError({
      operation: "inspect",
      problem: `"${target}" is neither a file nor the name of a model, nor a network that begins with "input".`,
      wayOut: suggestion(target, modelNames),
    });
  }
  const { bytes, model } = await readModelFile(target);
  const summary = summaryOf(target, model, bytes.length);
  try {
    return { summary, report: onnxReport(model, { inputShape: options.input, ...network }) };
  } catch (error) {
    // What the file holds is worth showing also where its layers cannot be followed.
    const isExplained = error instanceof ConvokeError || error instanceof ShapeError;
    if (!isExplained || options.input !== undefined) throw error;
    return { summary, problem: error.message };
  }
}

/** Words with a space in them, or several layers: no model and hardly a file is called so. */
function isNetworkText(target: string): boolean {
  return /^\s*(#|input\b)/i.test(target) || (/[;@\n]/.test(target) && !existsSync(target));
}

function print(
  { summary, report: found, problem }: Inspection,
  options: InspectOptions,
  terminal: Terminal,
): void {
  if (summary !== undefined) terminal.print(formatSummary(summary));
  if (summary !== undefined && found !== undefined) terminal.print("");
  if (found !== undefined) {
    terminal.print(formatReport(found, { width: process.stdout.isTTY ? terminal.columns : undefined }));
    if (options.explain === true) terminal.print(`\n${explainReport(found)}`);
  }
  if (problem !== undefined) terminal.print(`\nno report of its layers: ${problem}`);
}

async function writePictures(
  found: ModelReport,
  { html, svg }: InspectOptions,
  terminal: Terminal,
): Promise<void> {
  const write = async (file: string, content: string): Promise<void> => {
    await writeFile(file, content);
    terminal.progress(`written to ${file}\n`);
  };
  if (html !== undefined) await write(html, reportToHtml(found));
  if (svg !== undefined) await write(svg, reportToSvg(found));
}

/** The working is long: it comes where it is asked for. */
function asJson(found: ModelReport, { explain }: InspectOptions): Readonly<Record<string, unknown>> {
  const layers = explain === true ? found.layers : found.layers.map(({ working: _, ...layer }) => layer);
  return { model: found.kind, ...found, layers };
}
