// Models by which the cost of types is measured, and what they may cost.
const layersIn = (text: string): string =>
  [...new Set(text.match(/\w+(?=\()/g))].filter((name) => name !== "sequential").join(", ");

function program(parts: readonly string[]): string {
  const model = parts.join(",\n  ");
  return `import { ${layersIn(model)}, sequential } from "@convoke/layers";\nexport const model = sequential(\n  ${model},\n);\n`;
}

const lenet5 = program([
  "input(1, 28, 28)",
  ...["conv2d({ filters: 6, kernelSize: 5, padding: 2 })", "relu()", "maxPool2d({ size: 2 })"],
  ...["conv2d({ filters: 16, kernelSize: 5 })", "relu()", "maxPool2d({ size: 2 })", "flatten()"],
  ...["dense({ units: 120 })", "relu()", "dense({ units: 84 })", "relu()", "dense({ units: 10 })"],
]);

function bottleneck(width: number, stride: number, projects: boolean): string {
  const conv = (filters: number, size: number, more = ""): string =>
    `conv2d({ filters: ${filters}, kernelSize: ${size}, ${more}bias: false }), batchNorm()`;
  const wide = 4 * width;
  const middle = conv(width, 3, `stride: ${stride}, padding: 1, `);
  const body = `sequential(${conv(width, 1)}, relu(), ${middle}, relu(), ${conv(wide, 1)})`;
  const shortcut = `{ shortcut: sequential(${conv(wide, 1, `stride: ${stride}, `)}) }`;
  return `residual(${body}${projects ? `, ${shortcut}` : ""}), relu()`;
}

const resNet50 = program([
  "input(3, 224, 224)",
  "conv2d({ filters: 64, kernelSize: 7, stride: 2, padding: 3, bias: false }), batchNorm(), relu()",
  "maxPool2d({ size: 3, stride: 2, padding: 1 })",
  ...[3, 4, 6, 3].flatMap((count, stage) =>
    Array.from({ length: count }, (_, i) => bottleneck(64 << stage, stage && !i ? 2 : 1, i === 0)),
  ),
  "globalAvgPool2d(), dense({ units: 1000 })",
]);

// Each with a size of its own: the costliest, because nothing is worked out once for several.
const convolutions = program([
  "input(3, 1024, 1024)",
  ...Array.from({ length: 100 }, (_, i) => `conv2d({ filters: ${16 + i}, kernelSize: ${3 + 2 * (i % 3)} })`),
]);

export interface Budget {
  readonly name: string;
  /** A file that exports `model`. */
  readonly source: string;
  /** The most instantiations that a compiler may take for the file. */
  readonly most: number;
  /** The type of the model, as editors show it. */
  readonly type: string;
  /** A text of the source, and one in its place that leaves the type as it is. */
  readonly edit: readonly [old: string, fresh: string];
}

export const budgets: readonly Budget[] = [
  {
    name: "LeNet-5",
    source: lenet5,
    most: 10_000,
    type: `Model<[Dim<"N">, 1, 28, 28], [Dim<"N">, 10]>`,
    edit: ["relu()", "relu({})"],
  },
  {
    name: "ResNet-50",
    source: resNet50,
    most: 25_000,
    type: `Model<[Dim<"N">, 3, 224, 224], [Dim<"N">, 1000]>`,
    edit: ["relu()", "relu({})"],
  },
  {
    name: "100 distinct convolutions",
    source: convolutions,
    most: 60_000,
    type: `Model<[Dim<"N">, 3, 1024, 1024], [Dim<"N">, 115, 626, 626]>`,
    edit: ["kernelSize: 3 }", "kernelSize: 3, stride: 1 }"],
  },
];
