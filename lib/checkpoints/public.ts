// The part of this room that belongs to the public API.

export { checkpointNames, parseConfigJson } from './configFile.ts';
export {
  hostTensor,
  toFloat32,
  type Dtype,
  type ElementArray,
  type HostTensor,
} from './hostTensor.ts';
export {
  downloadModelTensors,
  loadModelTensors,
  modelTensors,
  type LoadModelOptions,
  type LoadReport,
} from './modelState.ts';
export { averageTensors } from './averageTensors.ts';
export { nonFiniteNames } from './nonFinite.ts';
export type {
  CheckpointFacts,
  CheckpointFormat,
  ReadBeside,
  ReadOptions,
  TensorFile,
} from './checkpointFormat.ts';
export { outcomeSummary, outcomeTable, type TensorOutcome, type TensorReport } from './tensorReport.ts';
export { formatTorch } from './pytorch/writeTorch.ts';
export {
  checkpointFormats,
  readTensors,
  registerCheckpointFormat,
  type ReadTensors,
} from './readTensors.ts';
export { formatSafetensors, parseSafetensors } from './safetensors.ts';
