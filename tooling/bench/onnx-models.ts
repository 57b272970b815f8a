// Writes the jobs as ONNX models, for the peers that run nothing else. The second operand of an op is a weight.
import { cifarResNet, exportOnnx, lenet5, Module, ops, tensor, Variable, type Tensor } from "convoke";
import { apply, opTable } from "@convoke/core";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { gpuJobs, jobs, networks, type Job } from "./jobs.mjs";
import { noise } from "./drivers/work.mjs";

class OpModel extends Module {
  readonly weight: Variable;
  readonly #op: (x: Tensor, weight: Tensor) => Tensor;

  constructor(shape: readonly number[], op: (x: Tensor, weight: Tensor) => Tensor) {
    super();
    const size = shape.reduce((product, dim) => product * dim, 1);
    this.weight = new Variable(tensor(noise(size), { shape }), { name: "weight" });
    this.#op = op;
  }

  protected compute(x: Tensor): Tensor {
    return this.#op(x, this.weight.value);
  }
}

function modelOf(job: Job): { model: Module; inputShape: readonly number[]; batch: number } | undefined {
  if (job.kind === "matmul") {
    const { size } = job;
    return { model: new OpModel([size, size], (x, w) => x.matmul(w)), inputShape: [size], batch: size };
  }
  if (job.kind === "infer") {
    const model = job.network === networks.lenet5 ? lenet5() : cifarResNet(20);
    return { model, inputShape: job.network.image, batch: job.batch };
  }
  if (job.kind === "peak" || job.kind === "train") return undefined;
  const { images, channels, size, kernel, groups } = job;
  const pad = (kernel - 1) / 2;
  const pads: [number, number][] = [
    [pad, pad],
    [pad, pad],
  ];
  const geometry = { stride: [1, 1], pads, dilation: [1, 1], groups };
  const filters = [channels, channels / groups, kernel, kernel];
  const image = [channels, size, size];
  const shared = { inputShape: image, batch: images };
  if (job.kind === "conv") {
    return { ...shared, model: new OpModel(filters, (x, w) => ops.conv2d(x, w, { padding: pad, groups })) };
  }
  if (job.kind === "conv-input-grad") {
    const attributes = { ...geometry, inputSize: [size, size] };
    const op = (y: Tensor, w: Tensor): Tensor => apply(opTable.convInputGrad, [y, w], attributes);
    return { ...shared, model: new OpModel(filters, op) };
  }
  const attributes = { ...geometry, kernelSize: [kernel, kernel] };
  const op = (x: Tensor, y: Tensor): Tensor => apply(opTable.convFilterGrad, [x, y], attributes);
  return { ...shared, model: new OpModel([images, ...image], op) };
}

const [folder = ".", only = ""] = process.argv.slice(2);
await mkdir(folder, { recursive: true });
for (const job of [...jobs, ...gpuJobs].filter(({ name }) => only.split(",").includes(name))) {
  const made = modelOf(job);
  if (made === undefined) continue;
  const { model, inputShape, batch } = made;
  const { bytes } = await exportOnnx(model, { inputShape, batch });
  await writeFile(path.join(folder, `${job.name}.onnx`), bytes);
}
