export { OnnxFormatError, type OnnxFormatProblem } from "./proto/format-error.js";
export type { OnnxLimits } from "./proto/wire-check.js";
export {
  attribute,
  attributeOf,
  intAttribute,
  intsAttribute,
  type AttributeContents,
  type AttributeReference,
  type Attributes,
  type AttributeType,
  type AttributeValue,
  type SparseTensor,
  type TypedAttribute,
} from "./model/attributes.js";
export { float16ToFloat32, float32ToFloat16 } from "@convoke/core/float16";
export { bfloat16ToFloat32, float32ToBfloat16 } from "./model/bfloat16.js";
export {
  modelInputs,
  tensorValue,
  type Dim,
  type Graph,
  type OnnxFunction,
  type OnnxModel,
  type OnnxNode,
  type ValueInfo,
  type ValueType,
} from "./model/onnx-model.js";
export { joinDataFile, type DataFile, type ExternalDataOptions } from "./model/external-data.js";
export { runOnce, type NamedTensors, type OnnxRunner, type OnnxSession } from "./model/onnx-runner.js";
export { externalDataLocations, readModel, type ReadModelOptions } from "./model/read-model.js";
export { readTensor, writeTensor, type ExternalBytes, type ExternalData } from "./model/tensor-codec.js";
export {
  dataLength,
  elementCount,
  type NamedTensor,
  type NumericDType,
  type OnnxDType,
  type TensorData,
  type TensorElements,
} from "./model/tensor-data.js";
export { writeModel, writeModelFiles, type ModelFiles } from "./model/write-model.js";
export { OnnxExportError, OnnxVerificationError } from "./export/export-error.js";
export { exportOnnx, type ExportedModel, type ExportOptions } from "./export/export-onnx.js";
export { type JsonValue, type ModelMetadata, type Preprocessing } from "./export/metadata.js";
export { OPSETS } from "./export/opsets.js";
export {
  hasOnnxForm,
  programModel,
  type ProgramModel,
  type ProgramOptions,
  type RuntimeForms,
} from "./export/program-model.js";
export { importOnnx, type ImportOptions } from "./import/import-onnx.js";
export { ImportedModel, type ModelSource } from "./import/imported-model.js";
export { OnnxUnsupportedError } from "./import/unsupported-error.js";
export type { LowerFunction, LoweringContext, Operand, Producer, Result } from "./lowerings/lowering.js";
export { operatorNames } from "./operators/operator-table.js";
export { runCase, type CaseFiles, type CaseResult, type CaseTolerance } from "./suite/run-case.js";
