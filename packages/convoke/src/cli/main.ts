// The command `convoke`: reads the command line and hands it to the command's own file.
import { Command, CommanderError, Option } from "commander";
import process from "node:process";
import packageJson from "../../package.json" with { type: "json" };
import { backendNames } from "./backends.js";
import { backendsCommand, type BackendsOptions } from "./commands/backends.js";
import { checkCommand } from "./commands/check.js";
import { benchCommand, type BenchOptions } from "./commands/bench.js";
import { evaluateCommand, type EvaluateOptions } from "./commands/evaluate.js";
import { inspectCommand, type InspectOptions } from "./commands/inspect.js";
import { predictCommand, type PredictOptions } from "./commands/predict.js";
import { trainCommand, type TrainOptions } from "./commands/train.js";
import { verifyCommand, type VerifyOptions } from "./commands/verify.js";
import { datasetNames } from "./dataset-names.js";
import { failureOf } from "./failure.js";
import { modelNames } from "./model-names.js";
import { optimizerNames } from "./optimizer-names.js";
import { atLeastZero, names, positiveNumber, shape, wholeNumber } from "./option-values.js";
import { openTerminal, type Terminal } from "./terminal.js";
import { ReportedFailure } from "./usage-error.js";

function buildProgram(terminal: Terminal): Command {
  const program = new Command("convoke")
    .description("Trains convolutional networks, and exports, evaluates and explains them.")
    .version(packageJson.version)
    .exitOverride()
    .configureOutput({ writeErr: (text) => terminal.progress(text) })
    .showHelpAfterError("(`convoke help <command>` lists what a command takes)");

  const add = (signature: string, description: string): Command =>
    program
      .command(signature)
      .description(description)
      .option("--json", "print the result as JSON, as the last line on stdout");
  const threads = (command: Command): Command =>
    command.option("--threads <n>", "threads to compute with", wholeNumber("--threads", 1));
  const dataset = (command: Command): Command =>
    command
      .requiredOption("--dataset <name>", `one of ${datasetNames.join(", ")}`)
      .option(
        "--data-dir <dir>",
        "the folder of the dataset's files; without it they are downloaded and kept",
      );

  threads(dataset(add("train", "train a model, export it, and verify the export in ONNX Runtime")))
    .requiredOption("--model <name>", `one of ${modelNames.join(", ")}`)
    .requiredOption(
      "--out <dir>",
      "where to write model.onnx, model.safetensors, metrics.jsonl, summary.txt, curve.svg",
    )
    .option("--limit <n>", "train on the first n images only", wholeNumber("--limit", 1))
    .option("--backend <name>", `one of ${backendNames.join(", ")}`, "cpu")
    .option("--epochs <n>", "passes over the training images", wholeNumber("--epochs", 1), 3)
    .option("--batch-size <n>", "images in one step", wholeNumber("--batch-size", 1), 32)
    .option("--optimizer <name>", `one of ${optimizerNames.join(", ")}`, "adam")
    .option("--lr <x>", "learning rate; each optimizer has a default of its own", positiveNumber("--lr"))
    .option(
      "--seed <n>",
      "of the initial weights and of the order of the images",
      wholeNumber("--seed", 0),
      0,
    )
    .addOption(
      new Option("--precision <name>", "or mixed: products in half precision (backend webgpu)")
        .choices(["float32", "mixed"])
        .default("float32"),
    )
    .option("--profile", "the time of each kernel at the end (backend webgpu; it slows the run down)")
    .option("--resume", "go on where the run that wrote the checkpoint in the output folder ended")
    .action((options: TrainOptions) => trainCommand(options, terminal));

  threads(dataset(add("evaluate", "accuracy, loss and confusion matrix of an .onnx file")))
    .argument("<model.onnx>", "the file")
    .option("--limit <n>", "use the first n test images only", wholeNumber("--limit", 1))
    .option("--batch-size <n>", "images in one run", wholeNumber("--batch-size", 1), 256)
    .action((file: string, options: EvaluateOptions) => evaluateCommand(file, options, terminal));

  threads(add("predict", "the classes of pictures, with probabilities"))
    .argument("<model.onnx>", "the file")
    .argument("<image...>", "PNG or JPEG files")
    .option("--top <n>", "how many classes to show", wholeNumber("--top", 1), 3)
    .option("--invert", "dark ink on light paper becomes bright on dark, as MNIST has it")
    .action((file: string, images: string[], { top, invert, ...rest }: PredictOptions) =>
      predictCommand(file, images, { ...rest, top, invert: invert === true, terminal }),
    );

  add("inspect", "shapes, counts and receptive fields of a network, layer by layer; what an .onnx file holds")
    .argument(
      "[network]",
      `an .onnx file, one of ${modelNames.join(", ")}, or a network in words: "input 1x28x28; conv 6@5x5; pool 2; flatten; dense 10"`,
    )
    .addOption(
      new Option("--input <shape>", "the input without its batch axis, for instance 1,28,28").argParser(
        shape("--input"),
      ),
    )
    .option("--batch <n>", "samples at once, for the memory", wholeNumber("--batch", 1), 1)
    .option("--explain", "show the working: each number's formula with the values put in")
    .option("--markdown", "print the report in Markdown")
    .option("--html <file>", "write the report as a page with a picture")
    .option("--svg <file>", "write the picture alone")
    .option(
      "--solve <equation>",
      'solve for the size that is "?", for instance "n=32 k=5 s=? p=1 out=15"; nothing else is inspected',
    )
    .action((network: string | undefined, options: InspectOptions) =>
      inspectCommand(network, options, terminal),
    );

  add("check", "only the shape errors of TypeScript files, by the TypeScript of their project")
    .argument("<file...>", "the files that build your models")
    .action((files: string[]) => checkCommand(files, terminal));

  threads(add("bench", "how fast this machine computes, trains and runs networks"))
    .option("--backend <name>", `one of ${backendNames.join(", ")}`, "cpu")
    .option("--only <names>", "only these jobs, separated by commas", names("--only"))
    .option("--profile", "the time of each kernel, below each job (backend webgpu; it slows the job down)")
    .action((options: BenchOptions) => benchCommand(options, terminal));

  threads(
    add("verify", "run ONNX test cases (model.onnx, test_data_set_*) and compare with what they recorded"),
  )
    .argument("<dir...>", "folders of cases, or folders that have such below them")
    .option("--backend <name>", `one of ${backendNames.join(", ")}`, "cpu")
    .option("--rtol <x>", "accepted difference relative to each element", atLeastZero("--rtol"), 1e-3)
    .option("--atol <x>", "accepted difference besides", atLeastZero("--atol"), 1e-7)
    .option(
      "--net-tolerance <x>",
      "for models of more than 20 nodes also: max|a − b| / max(1, max|b|); 0 for none",
      atLeastZero("--net-tolerance"),
      1e-5,
    )
    .action((folders: string[], options: VerifyOptions) => verifyCommand(folders, options, terminal));

  add("backends", "which backends are here, their limits, and why one is not available")
    .option("--tune", "measure which kernels are fastest on the GPU, and keep it for --backend webgpu")
    .option(
      "--tune-seconds <number>",
      "the same, in about so many seconds (2)",
      positiveNumber("--tune-seconds"),
    )
    .action((options: BackendsOptions) => backendsCommand(options, terminal));
  return program;
}

/** Runs the command line; gives the exit status. */
async function run(argv: readonly string[]): Promise<number> {
  const terminal = openTerminal({ json: argv.includes("--json") });
  try {
    await buildProgram(terminal).parseAsync(argv, { from: "user" });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help that was asked for is no mistake. What was wrong, commander has told people already.
      if (error.exitCode === 0) return 0;
      terminal.result({ error: error.message });
      return 2;
    }
    if (error instanceof ReportedFailure) return 1;
    const { message, exitCode } = failureOf(error);
    terminal.progress(`${message}\n`);
    terminal.result({ error: message });
    return exitCode;
  }
}

void run(process.argv.slice(2)).then((exitCode) => {
  process.exitCode = exitCode;
});
