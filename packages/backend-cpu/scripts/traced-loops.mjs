// The element loops that real tensor code becomes, for scripts/compare-element-loops.mjs: traced, lowered and fused as the
// backend does it, without running anything.
import { build } from "esbuild";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const packages = join(fileURLToPath(import.meta.url), "../../..");

/** What the packages' sources export, in one bundle: one copy of core. */
export async function importSources() {
  const entries = {
    core: "core/src/index.ts",
    layers: "layers/src/index.ts",
    models: "models/src/index.ts",
    optimizers: "optimizers/src/index.ts",
    supports: "backend-cpu/src/kernels/supports.ts",
    plan: "backend-cpu/src/program/compile-graph.ts",
    module: "backend-cpu/src/emit/loop-module.ts",
    loops: "core/src/planning/element-loop.ts",
    elements: "backend-cpu/src/emit/emit-elements.ts",
    lanes: "backend-cpu/src/emit/lane-functions.ts",
    vectors: "backend-cpu/src/emit/vector-steps.ts",
    wasm: "backend-cpu/src/emit/wasm-module.ts",
  };
  const lines = Object.entries(entries).map(
    ([name, path]) => `export * as ${name} from ${JSON.stringify(join(packages, path))};`,
  );
  const { outputFiles } = await build({
    stdin: { contents: lines.join("\n"), resolveDir: packages },
    ...{
      bundle: true,
      format: "esm",
      write: false,
      logLevel: "error",
      conditions: ["@convoke/source", "node"],
    },
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}

class Traced extends Error {}

/** The instructions of the program that `fn` becomes on inputs of these shapes, on one worker. */
export async function planOf({ core, supports, plan }, fn, shapes) {
  let graph;
  const never = () => {
    throw new Error("nothing runs here");
  };
  const backend = {
    ...{ name: "traced", supports: supports.supports },
    ...{ download: never, free: () => {}, dispose: async () => {} },
    upload: (_, spec) => ({ spec }),
    memory: () => ({ bytes: 0, buffers: 0, limit: 2 ** 40 }),
    compile: async (given) => {
      graph = given;
      throw new Traced();
    },
  };
  const inputs = shapes.map((shape) => {
    const size = shape.reduce((product, extent) => product * extent, 1);
    return core.tensor(new Float32Array(size), { shape });
  });
  await core
    .compile(fn, { backend })(...inputs)
    .catch((error) => {
      if (!(error instanceof Traced)) throw error;
    });
  return plan.compileGraph(graph, 1);
}
