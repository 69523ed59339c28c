// The part of this room, and of its families, that belongs to the public API.

export { buildModel, createModel, modelConfig, modelNames } from './createModel.ts';
export type { ModelOptions } from './families.ts';
export type { EncodeOptions, Encoding, FamilyEncoder } from './encoding.ts';
export type { AdaptOptions, ModelFamily, PosEmbedInterpolation } from './family.ts';
export {
  fineTune,
  fineTuneConfig,
  fineTuneLines,
  type FineTuneOptions,
  type FineTuneReport,
} from './fineTune.ts';
export { layerNormRow, layerRow, linearRow, type LayerRow } from './layerRow.ts';
export type { BuildLoadedOptions, ModelLoadReport } from './buildLoaded.ts';
export { countParameters, gigaMacs, layerTable, parameterShapes, summarize } from './layerTable.ts';
export { loadModel, type LoadOptions } from './loadModel.ts';
export type { BuildOptions, Model } from './model.ts';
export { modelFamilies, registerModelFamily } from './registry.ts';
export { modelFileNames, modelBytes, saveModel, type SaveOptions } from './saveModel.ts';
export {
  configWarnings,
  type Activation,
  type GlobalPool,
  type VisionTransformerConfig,
} from './vit/config.ts';
export * from './detr/public.ts';
export * from './clip/public.ts';
export * from './resnet/public.ts';
export { vit } from './vit/family.ts';
export { parseModelConfig, type VisionTransformerOptions } from './vit/parseConfig.ts';
export { VisionTransformer } from './vit/visionTransformer.ts';
export type { Intermediates, IntermediatesOptions } from './vit/intermediates.ts';
