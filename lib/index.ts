// The public API for Node and browsers. `tfjs-vit/node` adds the functions that need a disk.

// core
export { Capture } from './core/capture.ts';
export type { ForwardContext } from './core/context.ts';
export {
  combineInterceptors,
  moduleStep,
  namedTensor,
  type Interceptor,
  type Step,
  type StepForward,
} from './core/intercept.ts';
export {
  CheckpointError,
  InputError,
  IoError,
  NumericError,
  ShapeError,
  UnsupportedError,
  VitError,
  type ErrorCode,
} from './core/errors.ts';
export { makeImage, type RgbImage } from './core/image.ts';
export * as kernels from './core/kernels.ts';
export * as init from './core/init.ts';
export { Module, type Parameter } from './core/module.ts';
export { Rng, type RngKey } from './core/rng.ts';
export { sampleStatistics, type SampleStatistics } from './core/sampleStatistics.ts';
export { csvTable, markdownTable, type TextTable } from './core/textTable.ts';
export type { Phase } from './core/phase.ts';
export { precisions, type Precision } from './core/precision.ts';
export {
  parseOptions,
  type Option,
  type OptionFlag,
  type OptionTable,
  type OptionType,
} from './core/option.ts';
export type { Stop, StopSignal } from './core/stop.ts';
export type {
  EpochLog,
  EvaluationProgress,
  RunSink,
  RunStart,
  StepProgress,
  TestLog,
} from './core/runSink.ts';
export type { FileStore } from './core/store.ts';

// ops
export { activate, type ActivationForm } from './ops/activation.ts';
export { adamW, type AdamWOptions, type AdamWResult, type AdamWTensors } from './ops/adamW.ts';
export {
  scaledDotProductAttention,
  type AttentionOptions,
  type AttentionResult,
} from './ops/attention.ts';
export { batchNorm, type BatchNormResult } from './ops/batchNorm.ts';
export { binaryCrossEntropy } from './ops/binaryCrossEntropy.ts';
export { dropPath } from './ops/dropPath.ts';
export { dropout } from './ops/dropout.ts';
export { ema } from './ops/ema.ts';
export { gelu } from './ops/gelu.ts';
export { globalNorm } from './ops/globalNorm.ts';
export { imgToPatch } from './ops/imgToPatch.ts';
export { layerNorm } from './ops/layerNorm.ts';
export { linear } from './ops/linear.ts';
export { patchify, unpatchify } from './ops/patchify.ts';
export { qkvAttention } from './ops/qkvAttention.ts';
export { recompute } from './ops/recompute.ts';
export { mapGradient, recordGradient } from './ops/recordGradient.ts';
export type { ResampleMethod } from './ops/resampleMatrix.ts';
export { resamplePosEmbed, type ResamplePosEmbedOptions } from './ops/resamplePosEmbed.ts';
export { rmsNorm } from './ops/rmsNorm.ts';
export { softmaxCrossEntropy } from './ops/softmaxCrossEntropy.ts';

// layers
export { Attention, type AttentionConfig } from './layers/attention.ts';
export { AttentionPool, type AttentionPoolConfig } from './layers/attentionPool.ts';
export { BatchNorm, type BatchNormConfig } from './layers/batchNorm.ts';
export { FrozenBatchNorm, type FrozenBatchNormConfig } from './layers/frozenBatchNorm.ts';
export { Block, type BlockConfig } from './layers/block.ts';
export type { EncoderBlock } from './layers/encoderBlock.ts';
export { Conv2d, type Conv2dConfig } from './layers/conv2d.ts';
export { DropPath, Dropout, dropPathRates } from './layers/drop.ts';
export { GluMlp } from './layers/gluMlp.ts';
export { Identity } from './layers/identity.ts';
export { LayerNorm, type LayerNormConfig } from './layers/layerNorm.ts';
export { LayerScale } from './layers/layerScale.ts';
export { Linear, type LinearConfig } from './layers/linear.ts';
export { Mlp, type MlpConfig } from './layers/mlp.ts';
export { initial, inside, type InitScope, type WeightInit } from './layers/initScope.ts';
export { ParallelScalingBlock } from './layers/parallelScalingBlock.ts';
export { ParallelThingsBlock } from './layers/parallelThingsBlock.ts';
export { PatchDropout, type PatchDropoutConfig } from './layers/patchDropout.ts';
export { PatchEmbed, type PatchEmbedConfig, type PatchProjection } from './layers/patchEmbed.ts';
export { posEmbedFor, type PosEmbedKind } from './layers/posEmbed.ts';
export { ResPostBlock } from './layers/resPostBlock.ts';
export { RmsNorm } from './layers/rmsNorm.ts';
export { Sequence } from './layers/sequence.ts';
export { sincos1d, sincos2d } from './layers/sincosEmbed.ts';
export { SwiGlu } from './layers/swiGlu.ts';

// models
export * from './models/public.ts';

// checkpoints
export * from './checkpoints/public.ts';
export type { OnnxGraph } from './checkpoints/onnx/onnxGraph.ts';

// data
export {
  scene,
  sceneColors,
  sceneKinds,
  type Box,
  type Scene,
  type SceneObject,
  type SceneOptions,
} from './data/scenes.ts';
export { scenesDataset, type ScenesOptions } from './data/scenesDataset.ts';
export type { CentreBox, CornerBox, LabelledBox } from './data/objects.ts';
export { BadImages, type BadImage } from './data/badImages.ts';
export {
  MemoryDataset,
  subset,
  type Dataset,
  type ImageSource,
  type MemoryDatasetConfig,
} from './data/dataset.ts';
export { fit, fitImage, type CropMode } from './data/fitImage.ts';
export type { Batch } from './data/batch.ts';
export { autoAugment } from './data/augment/autoAugment.ts';
export { augmentBatches, trainSteps, type AugmentInput } from './data/augment/createTransform.ts';
export type { AugmentOptions } from './data/augment/optionTypes.ts';
export { colorJitter } from './data/augment/colorJitter.ts';
export { mixup } from './data/augment/mixup.ts';
export {
  randomCrop,
  randomHorizontalFlip,
  randomResizedCrop,
  randomVerticalFlip,
} from './data/augment/randomCrops.ts';
export { randomErasing } from './data/augment/randomErasing.ts';
export {
  labelSmoothing,
  thresholdTargets,
  type BatchPlace,
  type BatchTransform,
} from './data/batchTransform.ts';
export { centerCrop, resize } from './data/evalTransforms.ts';
export { IMAGENET_CLASSES } from './data/imagenetClasses.ts';
export { processBatch, type ImageProcessor } from './data/imageProcessor.ts';
export { Loader, type LoaderConfig, type Shard } from './data/loader.ts';
export { MNIST_CLASSES, adaptToMnist, mnistDataset } from './data/mnist.ts';
export {
  IMAGENET_NORMALIZATION,
  MNIST_NORMALIZATION,
  normalizeInto,
  type Normalization,
} from './data/normalize.ts';
export {
  makePreprocessing,
  parsePreprocessing,
  preprocessImage,
  type DecodeMode,
  type Preprocessing,
} from './data/preprocessing.ts';
export { prefetch } from './data/prefetch.ts';
export { randomAffine } from './data/randomAffine.ts';
export { randomElastic } from './data/randomElastic.ts';
export {
  datasetDescriptor,
  datasetNames,
  registerDataset,
  type AdaptedImage,
  type DatasetDescriptor,
  type DatasetPart,
  type OpenDatasetOptions,
} from './data/registry.ts';
export type { SampleParts, SampleSource, SamplesOf } from './data/samples.ts';
export { holdOut } from './data/split.ts';
export { resizeImage, type ResizeFilter } from './data/resizeImage.ts';
export {
  makeTransforms,
  registerTransform,
  transformNames,
  type NamedTransform,
  type RegisteredStep,
  type TransformStep,
} from './data/transformRegistry.ts';
export type {
  AutoAugmentOptions,
  CenterCropOptions,
  ColorJitterOptions,
  FitOptions,
  MixupOptions,
  RandomAffineOptions,
  RandomCropOptions,
  RandomElasticOptions,
  RandomErasingOptions,
  RandomFlipOptions,
  RandomResizedCropOptions,
  ResizeOptions,
} from './data/transformOptionTypes.ts';
export type { DrawNote, Drawn, DrawnValue } from './data/drawNote.ts';
export { applyTransforms, type Transform } from './data/transform.ts';

// fractal
export type { FractalOptions } from './fractal/optionTypes.ts';

// predict
export type { ImageInput, PixelData, PixelSource } from './predict/imageInput.ts';
export { onnxBytes, type OnnxOptions } from './predict/onnxBytes.ts';
export { predict, type ClassPrediction, type PredictOptions } from './predict/predict.ts';

// tokenizers
export * from './tokenizers/public.ts';

// encoders
export * from './encoders/public.ts';

// distributed
export { singleProcess, type Communicator } from './distributed/communicator.ts';

// training
export { classification } from './training/classification.ts';
export { clipGradients } from './training/clip.ts';
export {
  classVectors,
  contrastive,
  type ContrastiveModel,
  type ContrastiveOptions,
  type ZeroShotEvaluation,
} from './training/contrastive.ts';
export * from './training/detection/public.ts';
export { Ema } from './training/ema.ts';
export { evaluate, type EvaluateOptions } from './training/evaluate.ts';
export { binaryCrossEntropyLoss } from './training/losses/binaryCrossEntropy.ts';
export { crossEntropyLoss, softTargetCrossEntropyLoss } from './training/losses/crossEntropy.ts';
export {
  distillationLoss,
  hardDistillationLoss,
  softDistillationLoss,
  type DistillationOptions,
} from './training/losses/distillation.ts';
export {
  distilledClassification,
  type DistilledClassificationOptions,
} from './training/distilledClassification.ts';
export { modelTeacher, type ModelTeacherOptions, type Teacher } from './training/teacher.ts';
export { cachedTeacher, type CachedTeacherOptions } from './training/teacherCache.ts';
export { lossNamed } from './training/losses/lossNamed.ts';
export { lossNames, registerLoss, type Loss } from './training/losses/registry.ts';
export { Metrics, type Evaluation } from './training/metrics.ts';
export type { ResolutionStep } from './training/parseProgressive.ts';
export type {
  ClipConfig,
  DistillationConfig,
  EmaConfig,
  OptimizerConfig,
  ScheduleConfig,
  ScheduleOptions,
} from './training/options/types.ts';
export type { TrainConfig } from './training/options/trainTypes.ts';
export {
  makeOptimizer,
  type OptimizedModel,
  type Optimizer,
  type Update,
} from './training/optimizer.ts';
export type { GroupedModel, ParamGroup } from './training/paramGroups.ts';
export { calibration, type Calibration, type CalibrationBin } from './training/calibration.ts';
export { classTable, type ClassMeasures } from './training/classTable.ts';
export { predictAll, type Predictions } from './training/predictions.ts';
export type { FiguresOf, RunView, TrainEnv } from './training/run.ts';
export { runFileNames } from './training/runFiles.ts';
export { makeSchedule, type Schedule } from './training/schedules.ts';
export type { BestEpoch } from './training/runState.ts';
export type { Evaluator, MetricSums, MetricValues, Task } from './training/task.ts';
export type { TrainableModel } from './training/trainableModel.ts';
export { parseTrainConfig, type FullTrainConfig } from './training/trainConfig.ts';
export { train, type StopReason, type TrainResult } from './training/trainer.ts';
export {
  valueAndGrad,
  type LossWithOutputs,
  type ValueAndGrad,
  type ValueAndGradOptions,
} from './training/valueAndGrad.ts';

// profile
export { chromeTrace } from './profile/chromeTrace.ts';
export { profileKernels, type KernelProfile, type ProfileMarks } from './profile/profileKernels.ts';
export type { Span, SpanKind } from './profile/recorder.ts';
export type { KernelRow, PhaseRow } from './profile/rows.ts';
export type { Work } from './profile/work.ts';

// explain
export * from './explain/public.ts';

// figures: each draws an SVG (`…Svg`) and, where resvg can be loaded, a PNG
export {
  attentionSheet,
  attentionSheetSvg,
  type AttentionSheetOptions,
} from './figures/attentionSheet.ts';
export {
  reliabilityDiagram,
  reliabilityDiagramSvg,
  type ReliabilityBin,
  type ReliabilityDiagramOptions,
} from './figures/reliabilityDiagram.ts';
export { barChart, barChartSvg, type Bar, type BarChartOptions } from './figures/barChart.ts';
export { colorAt, colormapBytes, type Colormap, type Rgb } from './figures/colormap.ts';
export {
  confusionMatrix,
  confusionMatrixSvg,
  type ConfusionMatrixOptions,
} from './figures/confusionMatrix.ts';
export {
  contactSheet,
  contactSheetSvg,
  type ContactSheetOptions,
  type Tile,
} from './figures/contactSheet.ts';
export type { Grid, Range } from './figures/grid.ts';
export { darkSvg } from './figures/darkSvg.ts';
export {
  explanationSheet,
  explanationSheetSvg,
  type ExplainedClass,
  type ExplanationSheetOptions,
} from './figures/explanationSheet.ts';
export {
  positionSheet,
  positionSheetSvg,
  type PositionSheetOptions,
} from './figures/positionSheet.ts';
export {
  waterfall,
  waterfallSvg,
  type WaterfallOptions,
  type WaterfallPart,
} from './figures/waterfall.ts';
export { headChart, headChartSvg, type HeadChartOptions } from './figures/headChart.ts';
export {
  featureSheet,
  featureSheetSvg,
  type FeatureGroup,
  type FeatureSheetOptions,
} from './figures/featureSheet.ts';
export { heatMap, heatMapSvg, type HeatMapOptions } from './figures/heatMap.ts';
export {
  intervalChart,
  intervalChartSvg,
  type IntervalChartOptions,
  type IntervalRow,
} from './figures/intervalChart.ts';
export {
  layerSheet,
  layerSheetSvg,
  type LayerSheetOptions,
  type LayerTile,
} from './figures/layerSheet.ts';
export {
  lineChart,
  lineChartSvg,
  type LineChartOptions,
  type Series,
} from './figures/lineChart.ts';
export {
  matchSheet,
  matchSheetSvg,
  type MatchSheetOptions,
  type PatchMatch,
} from './figures/matchSheet.ts';
export {
  objectBoxes,
  objectBoxesSvg,
  type ObjectBox,
  type ObjectBoxesOptions,
} from './figures/objectBoxes.ts';
export {
  overlaySheet,
  overlaySheetSvg,
  type NamedMap,
  type OverlaySheetOptions,
} from './figures/overlaySheet.ts';
export { overlay, overlaySvg, type OverlayOptions } from './figures/overlay.ts';
export type { FigureOptions } from './figures/panel.ts';
export type { Interpolation } from './figures/resample.ts';
export { runFigures, type RunFiguresView } from './figures/runFigures.ts';
export { svgToPng } from './figures/svgToPng.ts';
export type { TickFormat } from './figures/ticks.ts';
export { trainingCurves, trainingCurvesSvg } from './figures/trainingCurves.ts';
