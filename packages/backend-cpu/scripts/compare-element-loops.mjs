// How fast element-wise chains run as emitted loops, against an instruction stream over tiles, on one thread; and what
// emitting costs: node scripts/compare-element-loops.mjs. docs/decisions/007 rests on it.
import { build } from "esbuild";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import v8 from "node:v8";
import { gzipSync } from "node:zlib";
import {
  distinctKernels,
  driverModule,
  everyKernel,
  kernelsModule,
  placeProgram,
  translate,
} from "./instruction-stream.mjs";
import { importSources, planOf } from "./traced-loops.mjs";

v8.setFlagsFromString("--experimental-wasm-relaxed-simd");

const ROUNDS = 21;
const ROUND_MILLISECONDS = 4;
const TILES = [256, 512, 1024, 2048, 4096];
const limits = { pages: 4096, maximum: 65536, shared: true };
const emitOptions = { memory: limits, fused: true };

const sources = await importSources();
const { core, optimizers, layers, models } = sources;
const emit = {
  ...{ ...sources.module, ...sources.loops, ...sources.elements, ...sources.lanes },
  ...{ ...sources.vectors, ...sources.wasm },
};

const sizes = [
  { name: "1k", flat: [1024], images: [4, 4, 8, 8], rows: [16, 64] },
  { name: "50k", flat: [50_000], images: [8, 32, 14, 14], rows: [100, 500] },
  { name: "1M", flat: [2 ** 20], images: [32, 32, 32, 32], rows: [1024, 1024] },
];

const normalized = (x, scale, bias) =>
  core.relu(core.batchNormTraining(x, { scale, bias, epsilon: 1e-5 }).output);
const perChannel = ({ images }) => [images, [images[1]], [images[1]]];

function adamStep({ flat }) {
  const parameter = new core.Variable(core.tensor(new Float32Array(flat[0])), { name: "p" });
  const optimizer = optimizers.adam().init([parameter]);
  return (gradient, ...scalars) => {
    const names = Object.keys(optimizer.scalars(0));
    const named = Object.fromEntries(names.map((name, i) => [name, scalars[i]]));
    optimizer.update([parameter], [gradient], { scalars: named });
  };
}

const chains = {
  relu: { fn: () => core.relu, shapes: ({ flat }) => [flat] },
  "batch norm, relu": { fn: () => normalized, shapes: perChannel },
  "gradient of these": {
    fn: () => (x, scale, bias, g) => core.gradients(normalized(x, scale, bias).mul(g).sum(), [x]),
    shapes: (size) => [...perChannel(size), size.images],
  },
  adam: { fn: adamStep, shapes: ({ flat }) => [flat, [], []] },
  "softmax's exp": {
    fn: () => (x) => x.sub(x.max(1, { keepDims: true })).exp(),
    shapes: ({ rows }) => [rows],
  },
  gelu: { fn: () => core.gelu, shapes: ({ flat }) => [flat] },
  "gelu (tanh)": { fn: () => core.geluTanh, shapes: ({ flat }) => [flat] },
};

const extentOf = (shape) => shape.reduce((product, extent) => product * extent, 1);
const stepsOf = (loop) => loop.steps.filter(({ op }) => op !== "constant").length;

/** The loop with the most work that tensor code becomes. */
async function loopOf({ fn, shapes }, size) {
  const plan = await planOf(sources, fn(size), shapes(size));
  const loops = plan.instructions.flatMap(({ kind, loop }) =>
    kind === "loop" && !loop.results ? [loop] : [],
  );
  const work = (loop) => stepsOf(loop) * extentOf(loop.shape);
  return loops.reduce((most, loop) => (work(loop) > work(most) ? loop : most));
}

/** Memory, and room in it, for one pair of measurements. */
function workspace() {
  const memory = new WebAssembly.Memory({ initial: limits.pages, maximum: limits.maximum, shared: true });
  let next = 2 ** 16;
  const reserve = (bytes) => {
    next += Math.ceil(bytes / 64) * 64 + 64;
    return next - Math.ceil(bytes / 64) * 64 - 64;
  };
  return { memory, reserve };
}

/** Both ways of running a loop on the same inputs, each with outputs of its own. */
function prepare(loop, driver) {
  const { memory, reserve } = workspace();
  const accesses = [...loop.inputs, ...loop.outputs];
  const lengths = accesses.map(({ strides, offset }) =>
    loop.shape.reduce((last, extent, axis) => last + (extent - 1) * strides[axis], offset + 1),
  );
  const floats = (from, length) => new Float32Array(memory.buffer, from, length);
  const place = (length) => reserve(4 * length);
  const inputs = loop.inputs.map((_, i) => {
    const at = place(lengths[i]);
    // All above 0: roots and quotients stay finite. Then around 0, where no root is taken.
    const low = loop.steps.some(({ op }) => op === "sqrt") ? 0.1 : -2;
    floats(at, lengths[i]).forEach((_, j, all) => (all[j] = low + (((j + i) * 7919) % 1009) / 252));
    return at;
  });
  const targets = () => loop.outputs.map((_, i) => place(lengths[loop.inputs.length + i]));
  const [emittedTargets, streamTargets] = [targets(), targets()];

  const emitted = new WebAssembly.Instance(
    new WebAssembly.Module(emit.emitLoopModule([loop], emitOptions)),
    emit.loopImports(memory),
  );
  const operands = reserve(4 * accesses.length);
  new Int32Array(memory.buffer).set([...inputs, ...emittedTargets], operands / 4);

  const translated = translate(emit, loop);
  const kernels = new WebAssembly.Instance(
    new WebAssembly.Module(kernelsModule(emit, distinctKernels(translated.kernels), emitOptions)),
    { env: { memory } },
  );
  const { runTiles, table } = new WebAssembly.Instance(driver, { env: { memory } }).exports;
  const numbers = new Map(
    Object.entries(kernels.exports).map(([name, kernel]) => {
      const number = table.grow(1);
      table.set(number, kernel);
      return [name, number];
    }),
  );
  const program = placeProgram(translated, {
    ...{ memory, reserve, addresses: [...inputs, ...streamTargets] },
    numberOf: (name) => numbers.get(name),
  });
  const ways = {
    emitted: () => emitted.exports.loop0(operands, 0, 1),
    ...Object.fromEntries(TILES.map((tile) => [tile, () => runTiles(program, tile)])),
  };
  const check = () => {
    for (const tile of TILES) {
      streamTargets.forEach((at, i) => floats(at, lengths[loop.inputs.length + i]).fill(0));
      ways.emitted();
      ways[tile]();
      streamTargets.forEach((at, i) => {
        const length = lengths[loop.inputs.length + i];
        const [expected, got] = [emittedTargets[i], at].map(
          (from) => new Int32Array(memory.buffer, from, length),
        );
        const wrong = expected.findIndex((bits, j) => bits !== got[j]);
        if (wrong >= 0) throw new Error(`tiles of ${tile}: output ${i} differs at ${wrong}`);
      });
    }
  };
  return { ways, check, tiles: translated.tiles };
}

/** Medians of the time per call in microseconds, all ways measured in turn. */
function medians(ways) {
  const clock = (run, calls) => {
    const start = performance.now();
    for (let i = 0; i < calls; i++) run();
    return performance.now() - start;
  };
  const calls = {};
  for (const [name, run] of Object.entries(ways)) {
    // Until the optimising compiler has replaced the first code.
    for (const start = performance.now(); performance.now() - start < 60;) run();
    const least = Math.min(clock(run, 3), clock(run, 3), clock(run, 3)) / 3;
    calls[name] = Math.max(1, Math.round(ROUND_MILLISECONDS / least));
  }
  const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, run] of Object.entries(ways)) {
      times[name].push((1000 * clock(run, calls[name])) / calls[name]);
    }
  }
  return Object.fromEntries(
    Object.entries(times).map(([name, all]) => [name, all.sort((a, b) => a - b)[ROUNDS >> 1]]),
  );
}

const median = (times) => times.sort((a, b) => a - b)[times.length >> 1].toPrecision(2);

const driverBytes = await driverModule();
const driver = new WebAssembly.Module(driverBytes);

console.log(`Node ${process.version}, one thread; medians of ${ROUNDS} rounds, in µs per call\n`);
console.log("| chain | steps | elements | emitted | tiles of 1,024 | best tiles | best / emitted |");
console.log("|---|---|---|---|---|---|---|");
for (const [name, chain] of Object.entries(chains)) {
  for (const size of sizes) {
    const loop = await loopOf(chain, size);
    const { ways, check } = prepare(loop, driver);
    check();
    const times = medians(ways);
    const [best, least] = Object.entries(times)
      .filter(([way]) => way !== "emitted")
      .reduce((fast, way) => (way[1] < fast[1] ? way : fast));
    const figures = [times.emitted, times[1024]].map((time) => time.toPrecision(3));
    console.log(
      `| ${name} | ${stepsOf(loop)} | ${size.name} [${loop.shape.join(", ")}] | ${figures.join(" | ")} | ` +
        `${least.toPrecision(3)} (${best}) | ${(least / times.emitted).toFixed(2)} |`,
    );
  }
}

/** The training step of a model as a user writes it, with what it is called with. */
function trainingStep(model, optimizer, [...shape]) {
  const state = optimizer.init(model.parameters());
  const names = Object.keys(state.scalars(0));
  const fn = (x, target, ...scalars) => {
    const loss = layers.mse(model.forward(x, { training: true }), target);
    const gradients = core.gradients(loss, model.parameters());
    const named = Object.fromEntries(names.map((name, i) => [name, scalars[i]]));
    state.update(model.parameters(), gradients, { scalars: named });
    return loss;
  };
  return [fn, [[64, ...shape], [64, 10], ...names.map(() => [])]];
}

/** What a loop loses until the engine has optimised its code, in ms: the first call, and all until ten are fast in a row. */
function warmingUp(run) {
  const times = [];
  for (const start = performance.now(); performance.now() - start < 250;) {
    const before = performance.now();
    run();
    times.push(performance.now() - before);
  }
  const steady = [...times].sort((a, b) => a - b)[times.length >> 1];
  const settled = times.findIndex((_, i) => times.slice(i, i + 10).every((time) => time < 1.3 * steady));
  return {
    first: times[0],
    lost: times.slice(0, settled).reduce((sum, time) => sum + time - steady, 0),
    calls: settled,
  };
}

const coldStarts = [];
for (let round = 0; round < 9; round++) {
  const loop = await loopOf(chains.adam, sizes[1]);
  // Other constants each time: the engine keeps the code of modules that it has seen.
  const steps = loop.steps.map((step) =>
    step.op === "constant" ? { ...step, value: step.value + round / 1e3 } : step,
  );
  coldStarts.push(warmingUp(prepare({ ...loop, steps }, driver).ways.emitted));
}
const [first, lost, calls] = ["first", "lost", "calls"].map((key) =>
  median(coldStarts.map((each) => each[key])),
);
console.log(
  `\nadam on 50k elements: the first call takes ${first} ms; after ${calls} calls, which lost ${lost} ms, the code is optimised.`,
);

console.log("\nEmitting the loops of a training step:\n");
console.log("| model | loops, different ones | bytes | emit | compile (ms, medians of 9) |");
console.log("|---|---|---|---|---|");
for (const [name, model, optimizer, shape] of [
  ["LeNet-5, Adam", models.lenet5(), optimizers.adam(), [1, 28, 28]],
  [
    "ResNet-20, SGD with momentum",
    models.cifarResNet(20),
    optimizers.sgd(0.1, { momentum: 0.9 }),
    [3, 32, 32],
  ],
]) {
  const plan = await planOf(sources, ...trainingStep(model, optimizer, shape));
  const loops = plan.instructions.flatMap(({ kind, loop }) => (kind === "loop" ? [loop] : []));
  const distinct = [...new Map(loops.map((loop) => [JSON.stringify(loop), loop])).values()];
  const [emitting, compiling] = [[], []];
  let bytes;
  for (let round = 0; round < 9; round++) {
    const start = performance.now();
    bytes = emit.emitLoopModule(distinct, emitOptions);
    const middle = performance.now();
    await WebAssembly.compile(bytes);
    emitting.push(middle - start);
    compiling.push(performance.now() - middle);
  }
  const counts = `${loops.length}, ${distinct.length}`;
  console.log(`| ${name} | ${counts} | ${bytes.length} | ${median(emitting)} | ${median(compiling)} |`);
}

/** Everything that a loop of steps can have. `gives`: what comparisons give. */
const ops = [
  ...["neg", "abs", "sign", "floor", "ceil", "round", "sqrt", "logicalNot", "cast"].map((op) => ({
    op,
    arity: 1,
  })),
  ...emit.laneFunctionNames.map((op) => ({ op, arity: 1 })),
  ...["add", "sub", "mul", "div", "maximum", "minimum", "logicalAnd", "logicalOr"].map((op) => ({
    op,
    arity: 2,
  })),
  ...["equal", "less", "lessEqual"].map((op) => ({ op, arity: 2, gives: "bool" })),
  { op: "where", arity: 3 },
];
const kernels = everyKernel(emit, ops);
const kernelBytes = kernelsModule(emit, kernels, emitOptions);
const root = join(fileURLToPath(import.meta.url), "../..");
const { outputFiles } = await build({
  entryPoints: [join(root, "src/emit/loop-module.ts")],
  ...{ bundle: true, minify: true, format: "esm", write: false, logLevel: "error", packages: "external" },
});
const kB = (...parts) => `${(gzipSync(Buffer.concat(parts), { level: 9 }).length / 1000).toFixed(1)} kB`;
console.log(
  `\nShipped, gzipped: the emitter ${kB(outputFiles[0].contents)} (minified; all types, reductions included);`,
);
console.log(
  `${kernels.length} kernels on float32, int32, uint32 and bool ${kB(kernelBytes)} and the driver ${kB(driverBytes)}: ` +
    "no other types, no bytes, no strides within rows, no reductions.",
);
