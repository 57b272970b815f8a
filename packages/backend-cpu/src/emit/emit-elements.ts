// Turns element loops into functions `(operands, worker, workers)` of a WebAssembly module.
// `operands` points to the addresses of the inputs and then of the outputs.
import type { DType } from "@convoke/core";
import { valueTypes, type Access, type ElementLoop, type Step } from "@convoke/core/planning";
import {
  bytes,
  emitAddresses,
  emitCarry,
  emitCounters,
  emitGather,
  emitRowAddress,
  emitShare,
} from "./loop-addresses.js";
import {
  emitScalarLoad,
  emitScalarStep,
  emitScalarStore,
  scalarType,
  type ImportedFunctions,
} from "./scalar-steps.js";
import {
  emitLaneStore,
  emitSplatLoad,
  emitVectorLoad,
  emitVectorStep,
  emitVectorStore,
  isVectorLoop,
  type LaneFunctions,
} from "./vector-steps.js";
import type { FunctionCode, Local } from "./wasm-module.js";

/** What the functions of a module may call. */
export interface LoopFunctions {
  readonly lanes: LaneFunctions;
  readonly host: ImportedFunctions;
}

/** A function body for an element loop. */
export function emitElementLoop(code: FunctionCode, loop: ElementLoop, functions: LoopFunctions): void {
  const accesses: Access[] = [...loop.inputs, ...loop.outputs];
  const bases = emitAddresses(code, accesses);
  const inner = loop.shape.length - 1;
  const extent = loop.shape[inner]!;
  const outer = loop.shape.slice(0, inner);
  const outerAxes = outer.map((_, axis) => axis);
  const rows = accesses.map(() => code.local("i32"));
  const emitRow = (begin: () => void, end: () => void): void => {
    const block = { code, loop, rows, begin, end, inner, functions };
    if (isVectorLoop(loop)) emitVectorRow(block);
    else emitScalarRow(block);
  };
  if (outer.length === 0) {
    const share = emitShare(code, { count: extent, unit: 16 });
    accesses.forEach((_, i) => code.get(bases[i]!).set(rows[i]!));
    emitRow(
      () => code.get(share.begin),
      () => code.get(share.end),
    );
    return;
  }
  const count = outer.reduce((product, dim) => product * dim, 1);
  const { begin, end } = emitShare(code, { count, unit: 1 });
  const counters = emitCounters(code, outer, begin);
  const row = begin;
  code.while(
    () => code.get(row).get(end).do("i32.lt_s"),
    () => {
      accesses.forEach((access, i) => {
        emitRowAddress(code, { base: bases[i]!, access, axes: outerAxes, counters });
        code.set(rows[i]!);
      });
      emitRow(
        () => code.i32(0),
        () => code.i32(extent),
      );
      emitCarry(code, outer, counters);
      code.get(row).i32(1).do("i32.add").set(row);
    },
  );
}

interface RowBlock {
  readonly code: FunctionCode;
  readonly loop: ElementLoop;
  readonly rows: readonly Local[];
  readonly inner: number;
  readonly functions: LoopFunctions;
  begin(): void;
  end(): void;
}

/** Four elements at a time, then one at a time by the same vector instructions: the bits do not depend on the split. */
function emitVectorRow({ code, loop, rows, begin, end, inner, functions }: RowBlock): void {
  const types = valueTypes(loop);
  const values = types.map(() => code.local("v128"));
  const [position, last] = [code.local("i32"), code.local("i32")];
  begin();
  code.set(position);
  end();
  code.set(last);
  const strides = [...loop.inputs, ...loop.outputs].map(({ strides: all }) => all[inner]!);
  const isInvariant = invariantValues(loop, inner);
  // What does not change along the row is loaded and computed once.
  loop.inputs.forEach(({ dtype }, i) => {
    if (strides[i] !== 0) return;
    code.get(rows[i]!);
    emitSplatLoad(code, dtype);
    code.set(values[i]!);
  });
  const context = { code, values, types, functions: functions.lanes };
  const emitSteps = (invariant: boolean): void => {
    loop.steps.forEach((step, i) => {
      const index = loop.inputs.length + i;
      if (isInvariant[index] !== invariant) return;
      emitVectorStep(step, context);
      code.set(values[index]!);
    });
  };
  emitSteps(true);
  const address = (i: number, dtype: DType): void => {
    code
      .get(rows[i]!)
      .get(position)
      .i32(strides[i]! * bytes(dtype))
      .do("i32.mul", "i32.add");
  };
  const isDense = loop.outputs.every((_, i) => strides[loop.inputs.length + i] === 1);
  if (isDense) {
    code.while(
      () => code.get(position).i32(4).do("i32.add").get(last).do("i32.le_s"),
      () => {
        loop.inputs.forEach(({ dtype }, i) => {
          if (strides[i] === 0) return;
          if (strides[i] === 1) {
            address(i, dtype);
            emitVectorLoad(code, dtype);
          } else {
            emitGather(code, { address: () => address(i, dtype), step: strides[i]! * bytes(dtype), dtype });
          }
          code.set(values[i]!);
        });
        emitSteps(false);
        loop.outputs.forEach(({ dtype, value }, i) => {
          address(loop.inputs.length + i, dtype);
          emitVectorStore(code, { dtype, value: values[value]! });
        });
        code.get(position).i32(4).do("i32.add").set(position);
      },
    );
  }
  code.while(
    () => code.get(position).get(last).do("i32.lt_s"),
    () => {
      loop.inputs.forEach(({ dtype }, i) => {
        if (strides[i] === 0) return;
        address(i, dtype);
        emitSplatLoad(code, dtype);
        code.set(values[i]!);
      });
      emitSteps(false);
      loop.outputs.forEach(({ dtype, value }, i) => {
        address(loop.inputs.length + i, dtype);
        emitLaneStore(code, { dtype, value: values[value]! });
      });
      code.get(position).i32(1).do("i32.add").set(position);
    },
  );
}

/** Which values stay the same along the inner axis. */
export function invariantValues(loop: Pick<ElementLoop, "inputs" | "steps">, inner: number): boolean[] {
  const invariant = loop.inputs.map(({ strides }) => strides[inner] === 0);
  for (const step of loop.steps) invariant.push(step.arguments.every((index) => invariant[index]));
  return invariant;
}

function emitScalarRow({ code, loop, rows, begin, end, inner, functions }: RowBlock): void {
  const types = valueTypes(loop);
  const values = types.map((dtype) => code.local(scalarType(dtype)));
  const [position, last] = [code.local("i32"), code.local("i32")];
  begin();
  code.set(position);
  end();
  code.set(last);
  const address = (i: number, access: Access): void => {
    code
      .get(rows[i]!)
      .get(position)
      .i32(access.strides[inner]! * bytes(access.dtype))
      .do("i32.mul", "i32.add");
  };
  code.while(
    () => code.get(position).get(last).do("i32.lt_s"),
    () => {
      emitScalarValues({ code, inputs: loop.inputs, steps: loop.steps, values, types, address, functions });
      loop.outputs.forEach((store, i) => {
        address(loop.inputs.length + i, store);
        emitScalarStore(code, { dtype: store.dtype, value: values[store.value]! });
      });
      code.get(position).i32(1).do("i32.add").set(position);
    },
  );
}

export function emitScalarValues(parts: {
  code: FunctionCode;
  inputs: readonly Access[];
  steps: readonly Step[];
  values: readonly Local[];
  types: readonly DType[];
  address: (i: number, access: Access) => void;
  functions: LoopFunctions;
}): void {
  const { code, inputs, steps, values, types, address, functions } = parts;
  inputs.forEach((access, i) => {
    address(i, access);
    emitScalarLoad(code, access.dtype);
    code.set(values[i]!);
  });
  steps.forEach((step, i) => {
    emitScalarStep(step, { code, values, types, functions: functions.host });
    code.set(values[inputs.length + i]!);
  });
}
