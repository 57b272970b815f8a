/**
 * What backends that generate code share: which nodes become one loop, where values lie, and the plan of a program.
 *
 * @packageDocumentation
 */
export {
  mergeAxes,
  valueTypes,
  type Access,
  type ElementLoop,
  type Reduction,
  type ReductionLoop,
  type Step,
  type Store,
} from "./element-loop.js";
export {
  broadcastLayout,
  denseLayout,
  denseStrides,
  isDense,
  sliced,
  type BufferId,
  type Layout,
} from "./layout.js";
export {
  lifetimesOf,
  type BufferRole,
  type InstructionName,
  type KernelCall,
  type Lifetime,
  type LoopInstruction,
  type Operand,
  type PlannedBuffer,
  type ProgramPlan,
} from "./program-plan.js";
export { PlanBuilder, strided, type PlanBuilderOptions, type Strided } from "./plan-builder.js";
export { planProgram, type PlanParts } from "./plan-program.js";
export { stepOf } from "./elementwise.js";
export { fill, movementEncoders } from "./movement.js";
export { reductionOps } from "./reduce.js";
export { emitConv, emitConvFilterGrad, emitConvInputGrad, type Geometry } from "./convolution-sums.js";
export { emitProductSums, productLayouts, type Product } from "./matmul-sums.js";
export { accumulatorOf } from "../dtype.js";
