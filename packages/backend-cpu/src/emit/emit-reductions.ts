// Turns reductions into functions `(operands, worker, workers)` of a WebAssembly module: one pass over the reduced axes
// computes all results. One worker computes each element of a result, in an order that the shape alone decides: the bits
// do not depend on how many workers there are.
import type { DType } from "@convoke/core";
import { valueTypes, type ReductionLoop } from "@convoke/core/planning";
import {
  accumulators,
  emitChainStart,
  emitCombine,
  emitIntoPairs,
  emitOne,
  emitStart,
  emitTotal,
  identityOf,
  joinChains,
} from "./accumulators.js";
import { emitScalarValues, invariantValues, type LoopFunctions } from "./emit-elements.js";
import {
  bytes,
  emitAddresses,
  emitCarry,
  emitCounters,
  emitGather,
  emitRowAddress,
  emitShare,
} from "./loop-addresses.js";
import { emitScalarStep, emitScalarStore, scalarType } from "./scalar-steps.js";
import {
  emitSplatLoad,
  emitVectorLoad,
  emitVectorStep,
  isVectorLoop,
  vectorCombination,
} from "./vector-steps.js";
import type { FunctionCode, Local } from "./wasm-module.js";

/** A function body for a reduction. */
export function emitReductionLoop(code: FunctionCode, loop: ReductionLoop, functions: LoopFunctions): void {
  const accesses = [...loop.inputs, ...loop.results];
  const bases = emitAddresses(code, accesses);
  const keptRank = loop.shape.length - loop.reducedAxes;
  const kept = loop.shape.slice(0, keptRank);
  const count = kept.reduce((product, dim) => product * dim, 1);
  const { begin, end } = emitShare(code, { count, unit: 1 });
  const counters = emitCounters(code, kept, begin);
  const rows = accesses.map(() => code.local("i32"));
  const keptAxes = kept.map((_, axis) => axis);
  const row = begin;
  code.while(
    () => code.get(row).get(end).do("i32.lt_s"),
    () => {
      accesses.forEach((access, i) => {
        emitRowAddress(code, { base: bases[i]!, access, axes: keptAxes, counters });
        code.set(rows[i]!);
      });
      if (isVectorReduction(loop)) emitVectorReduction({ code, loop, rows, keptRank, functions });
      else emitScalarReduction({ code, loop, rows, keptRank, functions });
      emitCarry(code, kept, counters);
      code.get(row).i32(1).do("i32.add").set(row);
    },
  );
}

function isVectorReduction(loop: ReductionLoop): boolean {
  const types = valueTypes(loop);
  return (
    isVectorLoop(loop) &&
    loop.results.every(({ op, value }) => vectorCombination(op, types[value]!) !== undefined)
  );
}

interface ReductionBlock {
  readonly code: FunctionCode;
  readonly loop: ReductionLoop;
  readonly rows: readonly Local[];
  readonly keptRank: number;
  readonly functions: LoopFunctions;
}

/** Nested loops over the reduced axes but the last; `body` gets the addresses of the innermost rows. */
function emitReducedRows(block: ReductionBlock, body: (rows: readonly Local[]) => void): void {
  const { code, loop, rows, keptRank } = block;
  const axes = Array.from({ length: loop.reducedAxes - 1 }, (_, i) => keptRank + i);
  const nest = (depth: number, current: readonly Local[]): void => {
    const axis = axes[depth];
    if (axis === undefined) {
      body(current);
      return;
    }
    const counter = code.local("i32");
    const next = loop.inputs.map((_, i) => {
      const local = code.local("i32");
      code.get(current[i]!).set(local);
      return local;
    });
    code.i32(0).set(counter);
    code.while(
      () => code.get(counter).i32(loop.shape[axis]!).do("i32.lt_s"),
      () => {
        nest(depth + 1, next);
        loop.inputs.forEach(({ strides, dtype }, i) => {
          code
            .get(next[i]!)
            .i32(strides[axis]! * bytes(dtype))
            .do("i32.add")
            .set(next[i]!);
        });
        code.get(counter).i32(1).do("i32.add").set(counter);
      },
    );
  };
  nest(0, rows);
}

/** How many vectors a sum of float32 takes in single precision before it goes on in double. */
const SINGLE_VECTORS = 16;

/** Four lanes. Sums and products of float32 end in doubles; 32-bit integers wrap, so their order does not matter. */
function emitVectorReduction(block: ReductionBlock): void {
  const { code, loop, rows, functions } = block;
  const types = valueTypes(loop);
  const values = types.map(() => code.local("v128"));
  const context = { code, values, types, functions: functions.lanes };
  const inner = loop.shape.length - 1;
  const extent = loop.shape[inner]!;
  const isInvariant = invariantValues(loop, inner);
  const unrolled = loop.results.length === 1 ? 4 : 2;
  const all = loop.results.map((result) =>
    accumulators(code, { result, dtype: types[result.value]!, unrolled }),
  );
  all.forEach((each) => {
    emitStart(code, each);
  });
  const position = code.local("i32");

  emitReducedRows(block, (current) => {
    const input = (i: number, vector: number): void => {
      const { dtype, strides } = loop.inputs[i]!;
      const step = strides[inner]! * bytes(dtype);
      const address = (further: number): void => {
        code.get(current[i]!).get(position).i32(step).do("i32.mul", "i32.add");
        if (further !== 0) code.i32(further).do("i32.add");
      };
      if (strides[inner] === 1) {
        address(0);
        emitVectorLoad(code, dtype, 4 * vector * bytes(dtype));
      } else {
        emitGather(code, {
          address: () => {
            address(4 * vector * step);
          },
          step,
          dtype,
        });
      }
      code.set(values[i]!);
    };
    const single = (i: number): void => {
      const { dtype, strides } = loop.inputs[i]!;
      code.get(current[i]!).get(position);
      code.i32(strides[inner]! * bytes(dtype)).do("i32.mul", "i32.add");
      emitSplatLoad(code, dtype);
      code.set(values[i]!);
    };
    const compute = (load: (i: number) => void, invariant = false): void => {
      loop.inputs.forEach((_, i) => {
        if (isInvariant[i] === invariant) load(i);
      });
      loop.steps.forEach((step, i) => {
        if (isInvariant[loop.inputs.length + i] !== invariant) return;
        emitVectorStep(step, context);
        code.set(values[loop.inputs.length + i]!);
      });
    };
    const advance = (by: number): void => {
      code.get(position).i32(by).do("i32.add").set(position);
    };
    /** Repeats `body`, which takes `step` positions, as long as that many are left before `end`. */
    const repeat = (step: number, end: () => void, body: () => void): void => {
      code.while(
        () => {
          code.get(position).i32(step).do("i32.add");
          end();
          code.do("i32.le_s");
        },
        () => {
          body();
          advance(step);
        },
      );
    };
    const rowEnd = (): void => {
      code.i32(extent);
    };

    code.i32(0).set(position);
    compute(single, true);
    const step = 4 * unrolled;
    if (extent >= step) {
      const blockEnd = code.local("i32");
      code.while(
        () => code.get(position).i32(step).do("i32.add").i32(extent).do("i32.le_s"),
        () => {
          code
            .get(position)
            .i32(4 * SINGLE_VECTORS)
            .do("i32.add")
            .set(blockEnd);
          code.get(blockEnd).i32(extent).do("i32.gt_s");
          code.if(() => code.i32(extent).set(blockEnd));
          all.forEach((each) => {
            if (each.pairs !== undefined) emitChainStart(code, each);
          });
          repeat(
            step,
            () => code.get(blockEnd),
            () => {
              for (let vector = 0; vector < unrolled; vector++) {
                compute((i) => {
                  input(i, vector);
                });
                for (const each of all) emitCombine(code, each, values[each.result.value]!, vector);
              }
            },
          );
          all.forEach((each) => {
            if (each.pairs !== undefined) emitIntoPairs(code, each, joinChains(code, each));
          });
        },
      );
    }
    repeat(4, rowEnd, () => {
      compute((i) => {
        input(i, 0);
      });
      for (const each of all) {
        const value = values[each.result.value]!;
        if (each.pairs === undefined) emitCombine(code, each, value, 0);
        else emitIntoPairs(code, each, value);
      }
    });
    repeat(1, rowEnd, () => {
      compute(single);
      for (const each of all) emitOne(code, each, values[each.result.value]!);
    });
  });
  all.forEach((each, i) => {
    code.get(rows[loop.inputs.length + i]!);
    emitTotal(code, each);
  });
}

function emitScalarReduction(block: ReductionBlock): void {
  const { code, loop, rows, functions } = block;
  const types = valueTypes(loop);
  const values = types.map((dtype) => code.local(scalarType(dtype)));
  const inner = loop.shape.length - 1;
  const position = code.local("i32");
  const all = loop.results.map(({ op, value }) => {
    const dtype = types[value]!;
    const accumulated: DType = dtype === "float32" && (op === "sum" || op === "prod") ? "float64" : dtype;
    const total = code.local(scalarType(accumulated));
    emitScalarStep(
      { op: "constant", arguments: [], dtype: accumulated, value: identityOf(op, accumulated) },
      { code, values, types, functions: functions.host },
    );
    code.set(total);
    return { op, value, dtype, accumulated, total, operand: code.local(scalarType(accumulated)) };
  });
  emitReducedRows(block, (current) => {
    code.i32(0).set(position);
    code.while(
      () => code.get(position).i32(loop.shape[inner]!).do("i32.lt_s"),
      () => {
        emitScalarValues({
          code,
          inputs: loop.inputs,
          steps: loop.steps,
          values,
          types,
          functions,
          address: (i, access) => {
            const stride = access.strides[inner]! * bytes(access.dtype);
            code.get(current[i]!).get(position).i32(stride).do("i32.mul", "i32.add");
          },
        });
        for (const { op, value, dtype, accumulated, total, operand } of all) {
          code.get(values[value]!);
          if (accumulated !== dtype) code.do("f64.promote_f32");
          code.set(operand);
          emitScalarStep(
            { op: scalarCombination[op], arguments: [0, 1], dtype: accumulated },
            { code, values: [total, operand], types: [accumulated, accumulated], functions: functions.host },
          );
          code.set(total);
        }
        code.get(position).i32(1).do("i32.add").set(position);
      },
    );
  });
  all.forEach(({ dtype, accumulated, total }, i) => {
    const result = code.local(scalarType(dtype));
    code.get(total);
    if (accumulated !== dtype) code.do("f32.demote_f64");
    code.set(result);
    code.get(rows[loop.inputs.length + i]!);
    emitScalarStore(code, { dtype: loop.results[i]!.dtype, value: result });
  });
}

const scalarCombination = { sum: "add", prod: "mul", max: "maximum", min: "minimum" } as const;
