// The two limits of a device, measured: multiply-adds in registers, and copying through its memory.
import { submittedPass } from "./timed-pass.js";
import { USAGE } from "../device/flags.js";

/** Runs shorter than this would measure the way to the device. */
const ENOUGH_MS = 50;
/** Of how many runs the fastest counts. */
const RUNS = 3;
const LANES = 256;
/** Workgroups in one row of a grid; fewer than every implementation takes. */
const ROW = 32768;

/** Vectors of four that wait for nothing but themselves. */
const CHAINS = 8;
const chains = Array.from({ length: CHAINS }, (_, i) => i);

const peakShader = `
@group(0) @binding(0) var<storage, read> turns: array<u32>;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;
@compute @workgroup_size(${LANES})
fn main(@builtin(global_invocation_id) id: vec3u) {
let a = vec4f(0.9999);
let b = vec4f(f32(id.x) * 1e-9 + 1e-9);
${chains.map((i) => `var c${i} = b + ${i}f;`).join("\n")}
for (var turn = 0u; turn < turns[0]; turn++) {
${chains.map((i) => `c${i} = c${i} * a + b;`).join("\n")}
}
let sum = dot(${chains.map((i) => `c${i}`).join(" + ")}, vec4f(1));
// Never true, which the compiler cannot know.
if (sum < 0f) { result[0] = sum; }
}`;

const copyShader = `
@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> result: array<vec4f>;
@compute @workgroup_size(${LANES})
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
let index = (workgroup.x + workgroup.y * ${ROW}u) * ${LANES}u + lane;
if (index < arrayLength(&source)) { result[index] = source[index]; }
}`;

export interface Machine {
  readonly device: GPUDevice;
  /** Whether the processor plays the GPU: then less work takes as long. */
  readonly isSoftware: boolean;
  /** Bytes of the largest buffer. */
  readonly maxTensorBytes: number;
}

/** float32 multiply-adds that wait for nothing, in GFLOP/s; each counts as two operations. */
export async function measurePeak({ device, isSoftware }: Machine): Promise<number> {
  const workgroups = isSoftware ? 16 : 8192;
  const turns = device.createBuffer({ size: 16, usage: USAGE.storage | USAGE.copyDestination });
  const result = device.createBuffer({ size: 16, usage: USAGE.storage });
  try {
    const pipeline = await pipelineOf(device, peakShader);
    const perTurn = workgroups * LANES * CHAINS * 4 * 2;
    return await fastest(async (count) => {
      device.queue.writeBuffer(turns, 0, new Uint32Array([count]));
      const dispatch = { pipeline, buffers: [turns, result], grid: [workgroups, 1], times: 1 } as const;
      return (count * perTurn) / 1e6 / (await timed(device, dispatch));
    }, 32);
  } finally {
    turns.destroy();
    result.destroy();
  }
}

/** Copying a large array, in GB/s: what is read and what is written both count. */
export async function measureBandwidth(machine: Machine): Promise<number> {
  const { device, isSoftware, maxTensorBytes } = machine;
  const bytes = Math.min(isSoftware ? 2 ** 26 : 2 ** 28, maxTensorBytes);
  const [source, result] = [0, 1].map(() => device.createBuffer({ size: bytes, usage: USAGE.storage }));
  try {
    const pipeline = await pipelineOf(device, copyShader);
    const workgroups = Math.ceil(bytes / 16 / LANES);
    const grid = [Math.min(workgroups, ROW), Math.ceil(workgroups / ROW)] as const;
    return await fastest(async (times) => {
      const milliseconds = await timed(device, { pipeline, buffers: [source!, result!], grid, times });
      return (2 * bytes * times) / 1e6 / milliseconds;
    }, 1);
  } finally {
    source!.destroy();
    result!.destroy();
  }
}

function pipelineOf(device: GPUDevice, code: string): Promise<GPUComputePipeline> {
  const module = device.createShaderModule({ code });
  return device.createComputePipelineAsync({ layout: "auto", compute: { module } });
}

/** The largest speed of some runs, each long enough; `run` does so much work and gives its speed. */
async function fastest(run: (work: number) => Promise<number>, least: number): Promise<number> {
  let work = least;
  for (;;) {
    const start = performance.now();
    await run(work);
    if (performance.now() - start >= ENOUGH_MS || work >= 2 ** 30) break;
    work *= 2;
  }
  let best = 0;
  for (let i = 0; i < RUNS; i++) best = Math.max(best, await run(work));
  return best;
}

/** Milliseconds from submission to the end. */
function timed(
  device: GPUDevice,
  parts: {
    pipeline: GPUComputePipeline;
    buffers: readonly GPUBuffer[];
    grid: readonly [number, number];
    times: number;
  },
): Promise<number> {
  const { pipeline, buffers, grid, times } = parts;
  const layout = pipeline.getBindGroupLayout(0);
  const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
  const group = device.createBindGroup({ layout, entries });
  return submittedPass(device, (pass) => {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    for (let i = 0; i < times; i++) pass.dispatchWorkgroups(grid[0], grid[1]);
  });
}
