// What an .onnx file holds, without running it.
import { elementCount, modelInputs, type Dim, type OnnxModel, type ValueInfo } from "@convoke/onnx";

export interface OnnxSummary {
  readonly file: string;
  readonly producer: string;
  readonly irVersion: number;
  readonly opsets: Readonly<Record<string, number>>;
  readonly inputs: readonly NamedType[];
  readonly outputs: readonly NamedType[];
  readonly nodes: number;
  /** How many nodes of each type, the most frequent first. */
  readonly nodeTypes: Readonly<Record<string, number>>;
  /** Elements of all initialisers of floating-point type. */
  readonly parameters: number;
  readonly bytes: number;
  readonly initializers: readonly {
    readonly name: string;
    readonly dtype: string;
    readonly shape: readonly number[];
  }[];
  readonly metadata: Readonly<Record<string, string>>;
}

export interface NamedType {
  readonly name: string;
  readonly dtype: string;
  /** A string is the name of a size that is not fixed; null where the rank or the size is not known. */
  readonly shape: readonly Dim[] | null;
}

export function summaryOf(file: string, model: OnnxModel, bytes: number): OnnxSummary {
  const { graph } = model;
  const counts = new Map<string, number>();
  for (const { opType, domain } of graph.nodes) {
    const type = domain === "" ? opType : `${domain}.${opType}`;
    counts.set(type, (counts.get(type) ?? 0) + 1);
  }
  const floats = graph.initializers.filter(({ dtype }) => /^b?float|^complex/.test(dtype));
  return {
    file,
    producer: [model.producer.name, model.producer.version].filter((part) => part !== "").join(" "),
    irVersion: model.irVersion,
    opsets: model.opsets,
    inputs: modelInputs(graph).map(namedType),
    outputs: graph.outputs.map(namedType),
    nodes: graph.nodes.length,
    nodeTypes: Object.fromEntries([...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))),
    parameters: floats.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    bytes,
    initializers: graph.initializers.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    metadata: { ...model.metadata },
  };
}

function namedType({ name, type }: ValueInfo): NamedType {
  return type.kind === "tensor"
    ? { name, dtype: type.dtype, shape: type.shape }
    : { name, dtype: type.kind, shape: null };
}

export function formatSummary(summary: OnnxSummary): string {
  const opsets = Object.entries(summary.opsets).map(
    ([domain, version]) => `${domain || "ai.onnx"} ${version}`,
  );
  const section = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : ["", title, ...lines.map((line) => `  ${line}`)];
  const width = Math.max(0, ...summary.initializers.map(({ name }) => name.length));
  return [
    `${summary.file}: ${summary.bytes.toLocaleString("en-US")} bytes, ONNX IR ${summary.irVersion}, opset ${opsets.join(", ")}`,
    ...(summary.producer === "" ? [] : [`written by ${summary.producer}`]),
    ...section("inputs", summary.inputs.map(typeText)),
    ...section("outputs", summary.outputs.map(typeText)),
    ...section(
      `${summary.nodes} nodes`,
      Object.entries(summary.nodeTypes).map(([type, count]) => `${String(count).padStart(4)} × ${type}`),
    ),
    ...section(
      `${summary.parameters.toLocaleString("en-US")} parameters in ${summary.initializers.length} initialisers`,
      summary.initializers.map(
        ({ name, dtype, shape }) => `${name.padEnd(width)}  ${dtype} [${shape.join(", ")}]`,
      ),
    ),
    ...section(
      "metadata",
      Object.entries(summary.metadata).map(([key, value]) => `${key}: ${value}`),
    ),
  ]
    .map(printable)
    .join("\n");
}

/** Names come from the file: what would steer the terminal is shown as a question mark. */
function printable(line: string): string {
  return line.replaceAll(/\p{Cc}/gu, "?");
}

function typeText({ name, dtype, shape }: NamedType): string {
  return `${name}: ${dtype} ${shape === null ? "of any shape" : `[${shape.map((dim) => dim ?? "?").join(", ")}]`}`;
}
