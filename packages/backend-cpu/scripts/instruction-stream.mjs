// The alternative to emitted loops, for scripts/compare-element-loops.mjs: a fixed set of kernels, one per step and kind of
// operands, and a driver that takes a chain's steps one after the other over tiles that stay in the first-level cache.
// The kernels are written with the emitter's own vector steps, so both ways compute the same bits.
import asc from "assemblyscript/asc";

/** The largest tile that the driver is asked for, in elements. */
export const MOST_TILE = 4096;

/** Kernels that compute functions by a call for each four elements: unrolling them gains nothing. */
const isCall = (emit, op) => emit.laneFunctionNames.includes(op);

/** What a kernel is called: its op, the types it takes and gives, and for each operand `v`ector or `s`calar. */
const kernelName = ({ op, from, dtype, modes }) => `${op}(${from.join()})${dtype} ${modes}`;

/** The kernels `(to, a, b, c, count)` of some steps, as one module. */
export function kernelsModule(emit, kernels, { memory, fused }) {
  const module = new emit.WasmModule(memory);
  const names = new Set(kernels.map(({ op }) => op).filter((op) => isCall(emit, op)));
  const functions = emit.addLaneFunctions(module, { fused, names });
  const signature = { parameters: ["i32", "i32", "i32", "i32", "i32"], results: [] };
  for (const kernel of kernels) {
    module.function(
      signature,
      (code) => writeKernel(emit, code, { ...kernel, functions }),
      kernelName(kernel),
    );
  }
  return module.finish();
}

function writeKernel(emit, code, { op, from, dtype, modes, functions }) {
  const [to, , , , count] = [0, 1, 2, 3, 4].map((i) => code.parameter(i));
  const operands = from.map((_, i) => code.parameter(i + 1));
  const values = from.map(() => code.local("v128"));
  const step = { op, arguments: from.map((_, i) => i), dtype };
  const compute = () => {
    if (op === "copy") code.get(values[0]);
    else emit.emitVectorStep(step, { code, values, types: from, functions });
  };
  const vectors = operands.map((_, i) => i).filter((i) => modes[i] === "v");
  operands.forEach((operand, i) => {
    if (modes[i] === "s") code.get(operand).memory("v128.load32_splat").set(values[i]);
  });
  const end = code.local("i32");
  /** One pass over what is left in whole pieces of so many elements. */
  const pass = (elements, body) => {
    code.get(to).get(count).i32(-elements).do("i32.and").i32(2).do("i32.shl", "i32.add").set(end);
    code.while(
      () => code.get(to).get(end).do("i32.lt_u"),
      () => {
        body();
        for (const pointer of [to, ...vectors.map((i) => operands[i])]) {
          code
            .get(pointer)
            .i32(4 * elements)
            .do("i32.add")
            .set(pointer);
        }
      },
    );
    code
      .get(count)
      .i32(elements - 1)
      .do("i32.and")
      .set(count);
  };
  const block = (elements) =>
    pass(elements, () => {
      for (let offset = 0; offset < 4 * elements; offset += 16) {
        for (const i of vectors) code.get(operands[i]).memory("v128.load", offset).set(values[i]);
        code.get(to);
        compute();
        code.memory("v128.store", offset);
      }
    });
  if (!isCall(emit, op)) block(16);
  block(4);
  pass(1, () => {
    for (const i of vectors) code.get(operands[i]).memory("v128.load32_splat").set(values[i]);
    code.get(to);
    compute();
    code.storeLane32(0);
  });
}

/**
 * The driver. A program is: rows, length of a row, steps per row, steps per tile, axes of the rows, arrays; then the
 * extents and counters of the axes; for each array its base, where its address stands, and its strides (one for each
 * axis, then the one within a row), in bytes; then the steps, each a kernel and where the addresses of its target and
 * three operands stand.
 */
const driverSource = `
function take(at: usize, steps: i32, count: i32): void {
  for (; steps > 0; steps--, at += 20) {
    call_indirect<void>(
      load<u32>(at),
      load<u32>(load<u32>(at, 4)),
      load<u32>(load<u32>(at, 8)),
      load<u32>(load<u32>(at, 12)),
      load<u32>(load<u32>(at, 16)),
      count,
    );
  }
}

export function runTiles(program: usize, tile: i32): void {
  const rows = load<i32>(program);
  const length = load<i32>(program, 4);
  const perRow = load<i32>(program, 8);
  const perTile = load<i32>(program, 12);
  const axes = load<i32>(program, 16);
  const arrays = load<i32>(program, 20);
  const extents = program + 24;
  const counters = extents + (<usize>axes << 2);
  const table = counters + (<usize>axes << 2);
  const width: usize = 12 + (<usize>axes << 2);
  const rowSteps = table + <usize>arrays * width;
  const tileSteps = rowSteps + <usize>perRow * 20;
  for (let axis = 0; axis < axes; axis++) store<i32>(counters + (<usize>axis << 2), 0);
  for (let row = 0; row < rows; row++) {
    let at = table;
    for (let array = 0; array < arrays; array++, at += width) {
      let address = load<i32>(at);
      for (let axis = 0; axis < axes; axis++) {
        address += load<i32>(counters + (<usize>axis << 2)) * load<i32>(at + (<usize>axis << 2), 8);
      }
      store<i32>(load<u32>(at, 4), address);
    }
    take(rowSteps, perRow, 1);
    for (let position = 0; position < length; position += tile) {
      const count = min(tile, length - position);
      take(tileSteps, perTile, count);
      at = table;
      for (let array = 0; array < arrays; array++, at += width) {
        const slot: usize = load<u32>(at, 4);
        store<i32>(slot, load<i32>(slot) + count * load<i32>(at + (<usize>axes << 2), 8));
      }
    }
    for (let axis = axes - 1; axis >= 0; axis--) {
      const counter = counters + (<usize>axis << 2);
      const next = load<i32>(counter) + 1;
      if (next < load<i32>(extents + (<usize>axis << 2))) {
        store<i32>(counter, next);
        break;
      }
      store<i32>(counter, 0);
    }
  }
}
`;

/** The driver's module. It needs the kernels in its exported table. */
export async function driverModule() {
  let binary;
  const flags = [
    "--runtime",
    "stub",
    "--importMemory",
    "--sharedMemory",
    "--exportTable",
    "--noAssert",
    "-O3",
  ];
  const limits = ["--initialMemory", "1", "--maximumMemory", "65536", "--enable", "simd,threads"];
  const { error, stderr } = await asc.main(["driver.ts", ...flags, ...limits, "--outFile", "driver.wasm"], {
    readFile: (name) => (name === "driver.ts" ? driverSource : null),
    writeFile: (name, contents) => {
      if (name === "driver.wasm") binary = contents;
    },
  });
  if (error) throw new Error(`${error.message}\n${stderr.toString()}`);
  return Buffer.from(binary);
}

/**
 * A loop as steps over tiles: which kernels it needs, and its program once these have numbers and the arrays addresses.
 * What does not change along a row is computed once for each row; tiles are used again as soon as nobody reads them.
 */
export function translate(emit, loop) {
  const inner = loop.shape.length - 1;
  const types = emit.valueTypes(loop);
  const invariant = emit.invariantValues(loop, inner);
  const { inputs, steps, outputs } = loop;
  const places = inputs.map((_, i) => ({ array: i }));
  const lastReader = new Map();
  steps.forEach((step, i) => step.arguments.forEach((index) => lastReader.set(index, i)));
  const free = [];
  let [tiles, scalars] = [0, 0];
  const row = [];
  const tile = [];
  const constants = [];
  steps.forEach((step, i) => {
    const index = inputs.length + i;
    if (step.op === "constant") {
      places[index] = { constant: constants.push(Number(step.value)) - 1 };
      return;
    }
    const from = step.arguments.map((argument) => types[argument]);
    const sources = step.arguments.map((argument) => places[argument]);
    // A tile that is read for the last time can be written in the same step: kernels go from left to right.
    for (const argument of new Set(step.arguments)) {
      if (places[argument].tile !== undefined && lastReader.get(argument) === i)
        free.push(places[argument].tile);
    }
    const output = outputs.findIndex(({ value }) => value === index);
    // Steps on single values take them as vectors of one element.
    const isScalar = (argument) => invariant[argument] && !invariant[index];
    const modes = step.arguments.map((argument) => (isScalar(argument) ? "s" : "v")).join("");
    const call = { op: step.op, from, dtype: step.dtype, modes, sources };
    if (invariant[index]) {
      places[index] = { scalar: scalars++ };
      row.push({ ...call, to: places[index] });
    } else {
      places[index] = output >= 0 ? { array: inputs.length + output } : { tile: free.pop() ?? tiles++ };
      tile.push({ ...call, to: places[index] });
    }
  });
  outputs.forEach(({ value, dtype }, i) => {
    const to = { array: inputs.length + i };
    if (places[value].array === to.array) return;
    tile.push({
      op: "copy",
      from: [dtype],
      dtype,
      modes: invariant[value] ? "s" : "v",
      sources: [places[value]],
      to,
    });
  });
  const isPlain = [...inputs, ...outputs].every(
    ({ dtype, strides }) => dtype !== "bool" && (strides[inner] === 0 || strides[inner] === 1),
  );
  if (!isPlain) throw new Error("the comparison has neither bytes nor strides within a row");
  return { loop, row, tile, tiles, scalars, constants, kernels: [...row, ...tile] };
}

/** Writes the program of a translated loop. `reserve` gives room in memory, `numberOf` the number of a kernel. */
export function placeProgram(translated, { memory, reserve, addresses, numberOf }) {
  const { loop, row, tile, tiles, scalars, constants } = translated;
  const words = new Int32Array(memory.buffer);
  const put = (value) => {
    const at = reserve(4);
    words[at / 4] = value;
    return at;
  };
  const accesses = [...loop.inputs, ...loop.outputs];
  const slots = {
    array: accesses.map(() => put(0)),
    // A cache line between tiles: equal distances of a power of two would share the sets of the cache.
    tile: Array.from({ length: tiles }, () => put(reserve(4 * MOST_TILE + 64))),
    scalar: Array.from({ length: scalars }, () => put(reserve(16))),
    constant: constants.map((value) => {
      const at = reserve(16);
      new Float32Array(memory.buffer)[at / 4] = value;
      return put(at);
    }),
  };
  const slotOf = (place) => Object.entries(place).map(([kind, index]) => slots[kind][index])[0];
  const inner = loop.shape.length - 1;
  const outer = loop.shape.slice(0, inner);
  const none = slots.array[0];
  const stepWords = (call) => {
    const [a = none, b = none, c = none] = call.sources.map(slotOf);
    return [numberOf(kernelName(call)), slotOf(call.to), a, b, c];
  };
  const program = [
    outer.reduce((product, extent) => product * extent, 1),
    ...[loop.shape[inner], row.length, tile.length, outer.length, accesses.length],
    ...outer,
    ...outer.map(() => 0),
    ...accesses.flatMap((access, i) => [
      ...[addresses[i] + 4 * access.offset, slots.array[i]],
      ...access.strides.map((stride) => 4 * stride),
    ]),
    ...[...row, ...tile].flatMap(stepWords),
  ];
  const at = reserve(4 * program.length);
  words.set(program, at / 4);
  return at;
}

/** One of each kernel that some calls need. */
export function distinctKernels(calls) {
  return [...new Map(calls.map((call) => [kernelName(call), call])).values()];
}

/** Everything that the emitter's vector steps can do, as kernels: what such a backend would ship for types of 32 bits. */
export function everyKernel(emit, ops) {
  const kernels = [];
  const kinds = (count) =>
    Array.from({ length: 2 ** count - 1 }, (_, bits) =>
      Array.from({ length: count }, (_, i) => ((bits >> i) & 1 ? "s" : "v")).join(""),
    );
  const add = (op, from, dtype) => {
    if (!emit.isVectorStep({ op, arguments: from.map((_, i) => i), dtype }, from)) return;
    for (const modes of kinds(from.length)) kernels.push({ op, from, dtype, modes });
  };
  for (const { op, arity, gives } of ops) {
    for (const type of ["float32", "int32", "uint32", "bool"]) {
      if (op === "cast") {
        for (const to of ["float32", "int32", "uint32", "bool"]) if (to !== type) add(op, [type], to);
      } else if (op === "where") add(op, ["bool", type, type], type);
      else add(op, Array(arity).fill(type), gives ?? type);
    }
  }
  return kernels;
}
