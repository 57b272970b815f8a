// Rough speed of the kernels on one worker, against the multiply-add peak: node scripts/bench-kernels.mjs [NAME …]
// Compares ratios only; the figures that count are those of `convoke bench` on a quiet machine.
import { build } from "esbuild";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import v8 from "node:v8";
import { generatedKernels } from "./build-kernels.mjs";

v8.setFlagsFromString("--experimental-wasm-relaxed-simd");

const root = join(fileURLToPath(import.meta.url), "../..");

async function importSource(path) {
  const { outputFiles } = await build({
    ...{ entryPoints: [join(root, path)], bundle: true, format: "esm", write: false, logLevel: "error" },
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}

const layouts = await importSource("src/operand-layouts.ts");
const { planConvolution } = await importSource("src/convolution-plan.ts");

const axis = (size, kernel, stride, pad) => ({
  ...{ size, kernel, stride, pad, out: Math.floor((size + 2 * pad - kernel) / stride) + 1 },
});

function convolution({ images, channels, filters, size, kernel, stride = 1, pad = 0, groups = 1 }) {
  const { out } = axis(size, kernel, stride, pad);
  return {
    ...{ images, channels, height: size, width: size, filters, kernelHeight: kernel, kernelWidth: kernel },
    ...{ strideY: stride, strideX: stride, dilationY: 1, dilationX: 1, padTop: pad, padLeft: pad, groups },
    ...{ outHeight: out, outWidth: out },
  };
}

const matrices = (rows, columns, depth, { ta = false, tb = false } = {}) => ({
  ...{ batch: 1, rows, columns, depth, aBatch: 0, bBatch: 0, cBatch: 0, flags: 0, cRow: columns, cColumn: 1 },
  ...{ aRow: ta ? 1 : depth, aDepth: ta ? rows : 1, bDepth: tb ? 1 : columns, bColumn: tb ? depth : 1 },
});

const c64 = { images: 32, channels: 64, filters: 64, size: 56, kernel: 3, pad: 1 };
const lenet1 = { images: 64, channels: 1, filters: 6, size: 28, kernel: 5, pad: 2 };
const lenet2 = { images: 64, channels: 6, filters: 16, size: 14, kernel: 5 };
const resnet = (channels, size) => ({ images: 32, channels, filters: channels, size, kernel: 3, pad: 1 });
const jobs = {
  "gemm-256": ["gemm", matrices(256, 256, 256)],
  "gemm-1024": ["gemm", matrices(1024, 1024, 1024)],
  "gemm-64x120x400-nt": ["gemm", matrices(64, 120, 400, { tb: true })],
  "gemm-64x10x84-nt": ["gemm", matrices(64, 10, 84, { tb: true })],
  "gemm-120x400x64-tn": ["gemm", matrices(120, 400, 64, { ta: true })],
  "gemm-10x84x64-tn": ["gemm", matrices(10, 84, 64, { ta: true })],
  "gemv-1024": ["gemm", matrices(1, 1024, 1024)],
  "gemv-1024-nt": ["gemm", matrices(1, 1024, 1024, { tb: true })],
};
for (const [name, size, faces] of [
  ["3x3-64-56", c64, ["conv", "convInputGrad", "convFilterGrad"]],
  ["lenet1", lenet1, ["conv", "convFilterGrad"]],
  ["lenet2", lenet2, ["conv", "convInputGrad", "convFilterGrad"]],
  ["cifar-3-32-32", { ...resnet(3, 32), filters: 32 }, ["conv", "convFilterGrad"]],
  ["3x3-16-32", resnet(16, 32), ["conv", "convInputGrad", "convFilterGrad"]],
  ["3x3-32-16", resnet(32, 16), ["conv", "convInputGrad", "convFilterGrad"]],
  ["3x3-64-8", resnet(64, 8), ["conv", "convInputGrad", "convFilterGrad"]],
  ["3x3-512-4", resnet(512, 4), ["conv", "convInputGrad", "convFilterGrad"]],
  ["3x3s2-16-32", { ...resnet(16, 32), filters: 32, stride: 2 }, ["conv", "convInputGrad", "convFilterGrad"]],
  ["1x1-256-14", { ...resnet(256, 14), kernel: 1, pad: 0 }, ["conv", "convInputGrad", "convFilterGrad"]],
  ["depthwise-128-28", { ...resnet(128, 28), groups: 128 }, ["conv", "convInputGrad", "convFilterGrad"]],
  [
    "depthwise-s2-128-28",
    { ...resnet(128, 28), groups: 128, stride: 2 },
    ["conv", "convInputGrad", "convFilterGrad"],
  ],
]) {
  for (const face of faces) jobs[`${face}-${name}`] = [face, convolution(size)];
}

/** Milliseconds of processor time of the fastest call: what other processes leave untouched, mostly. */
function leastTime(run) {
  let least = Infinity;
  for (let spent = 0, calls = 0; spent < 400 || calls < 8; calls++) {
    const start = process.threadCpuUsage?.() ?? process.cpuUsage();
    const wall = performance.now();
    run();
    const { user, system } = (process.threadCpuUsage ?? process.cpuUsage)(start);
    // The processor's clock is coarse: short calls are timed by the wall.
    const elapsed = performance.now() - wall;
    const time = elapsed > 20 ? (user + system) / 1000 : elapsed;
    spent += time;
    least = Math.min(least, time);
  }
  return least;
}

function bench(module, [kernel, size]) {
  const memory = new WebAssembly.Memory({ initial: 4096, maximum: 65536, shared: true });
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  let next = 1 << 16;
  const reserve = (bytes) => {
    const address = next;
    next += Math.ceil((bytes + layouts.operandSlack) / 64) * 64;
    return address;
  };
  const floats = (length) => {
    const address = reserve(length * 4);
    const view = new Float32Array(memory.buffer, address, length);
    for (let i = 0; i < length; i++) view[i] = ((i * 7919) % 1009) / 1009 - 0.5;
    return address;
  };
  let operands, need, work, kernels, encode;
  if (kernel === "gemm") {
    const { rows, columns, depth } = size;
    need = layouts.gemmMemory(size);
    work = 2 * rows * columns * depth;
    operands = { a: floats(rows * depth), b: floats(depth * columns), c: floats(rows * columns), ...size };
    kernels = ["gemmPack", "gemm"];
    encode = (all) => layouts.encodeOperands("gemm", all);
  } else {
    const groupChannels = size.channels / size.groups;
    const taps = size.kernelHeight * size.kernelWidth;
    const plan = planConvolution(kernel, size);
    need = plan.needs;
    kernels = plan.kernels;
    encode = plan.encode;
    work = 2 * size.images * size.filters * size.outHeight * size.outWidth * groupChannels * taps;
    operands = {
      x: floats(size.images * size.channels * size.height * size.width),
      w: floats(size.filters * groupChannels * taps),
      y: floats(size.images * size.filters * size.outHeight * size.outWidth),
      relu: 0,
    };
  }
  const [packed, scratch] = [reserve(need.packed), reserve(need.scratch)];
  const words = encode({ ...operands, bias: 0, packed, scratch, scratchBytes: need.scratch });
  const at = reserve(words.length * 4);
  new Int32Array(memory.buffer, at, words.length).set(words);
  const once = () => kernels.forEach((name) => exports[name](at, 0, 1));
  once();
  once();
  return work / 1e6 / leastTime(once);
}

/** Ten independent chains of multiply-adds: the peak of this build. */
function peak(module) {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const rounds = 100_000;
  const [operands, sums] = [1024, 2048];
  new Int32Array(memory.buffer, operands, 2).set([rounds, sums]);
  return (rounds * 10 * 8) / 1e6 / leastTime(() => exports.multiplyAddPeak(operands, 0, 1));
}

const wanted = process.argv.slice(2);
for (const name of ["relaxed", "simd"]) {
  const module = new WebAssembly.Module((await generatedKernels()).get(name));
  const most = peak(module);
  console.log(`${name}: multiply-add peak ${most.toFixed(1)} GFLOP/s`);
  for (const [job, parameters] of Object.entries(jobs)) {
    if (wanted.length > 0 && !wanted.some((part) => job.includes(part))) continue;
    const speed = bench(module, parameters);
    console.log(
      `  ${job.padEnd(34)} ${speed.toFixed(1).padStart(6)}  ${((100 * speed) / most).toFixed(0).padStart(3)} %`,
    );
  }
  if (wanted.length > 0) break;
}
