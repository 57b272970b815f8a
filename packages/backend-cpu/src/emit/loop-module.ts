// One WebAssembly module for all emitted loops of a program.
import type { DType } from "@convoke/core";
import { valueTypes, type ElementLoop, type ReductionLoop } from "@convoke/core/planning";
import { emitElementLoop, type LoopFunctions } from "./emit-elements.js";
import { emitReductionLoop } from "./emit-reductions.js";
import { addLaneFunctions } from "./lane-functions.js";
import { loopSignature } from "./loop-addresses.js";
import { hostFunctions, isScalarStep } from "./scalar-steps.js";
import { isVectorLoop, laneFunctionNames } from "./vector-steps.js";
import { WasmModule } from "./wasm-module.js";

export type Loop = ElementLoop | ReductionLoop;

export interface LoopModuleOptions {
  /** Limits of the memory that the module imports; they must equal those of the memory that it gets. */
  readonly memory: { readonly pages: number; readonly maximum: number; readonly shared: boolean };
  /** Whether the engine has relaxed multiply-add. */
  readonly fused: boolean;
}

/** Whether all steps of a loop can be emitted, for its types. */
export function canEmit(loop: Pick<ElementLoop, "inputs" | "steps">): boolean {
  const types: readonly DType[] = valueTypes(loop);
  return isVectorLoop(loop) || loop.steps.every((step) => isScalarStep(step, types));
}

/** A module that exports `loop0`, `loop1`, … with the signature (operands, worker, workers). */
export function emitLoopModule(loops: readonly Loop[], options: LoopModuleOptions): Uint8Array<ArrayBuffer> {
  const module = new WasmModule(options.memory);
  const scalarOps = new Set(
    loops.filter((loop) => !isVectorLoop(loop)).flatMap(({ steps }) => steps.map(({ op }) => op)),
  );
  const vectorOps = new Set(loops.filter(isVectorLoop).flatMap(({ steps }) => steps.map(({ op }) => op)));
  const host: Record<string, number> = {};
  for (const [name, { arity }] of Object.entries(hostFunctions)) {
    if (!scalarOps.has(name)) continue;
    const parameters = Array.from({ length: arity }, () => "f64" as const);
    host[name] = module.import("math", name, { parameters, results: ["f64"] });
  }
  const names = new Set<string>(laneFunctionNames.filter((name) => vectorOps.has(name)));
  const lanes = addLaneFunctions(module, { fused: options.fused, names });
  const functions: LoopFunctions = { lanes, host };
  loops.forEach((loop, i) => {
    module.function(
      loopSignature,
      (code) => {
        if ("results" in loop) emitReductionLoop(code, loop, functions);
        else emitElementLoop(code, loop, functions);
      },
      `loop${i}`,
    );
  });
  return module.finish();
}

/** What a loop module imports besides the memory. */
export function loopImports(memory: WebAssembly.Memory): WebAssembly.Imports {
  return {
    env: { memory },
    math: Object.fromEntries(Object.entries(hostFunctions).map(([name, { compute }]) => [name, compute])),
  };
}
