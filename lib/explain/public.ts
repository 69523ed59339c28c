// The part of this room that belongs to the public API.

export { attentionMaps, patchGrid, stretchMap, type Query } from './attentionMaps.ts';
export type { TokenLayout } from '../core/tokenLayout.ts';
export { readAttention, type AttentionArray } from './attentionArray.ts';
export type { AttentionModel } from './attentionModel.ts';
export {
  attentionRollout,
  gradientRollout,
  type HeadFusion,
  type Rollout,
  type RolloutOptions,
} from './rollout.ts';
export {
  imgToAttention,
  type AttentionOfImage,
  type ImgToAttentionOptions,
} from './imgToAttention.ts';
export { attnLrp, type AttnLrpExplanation, type AttnLrpOptions } from './attnLrp.ts';
export { explain, type ExplainImageOptions, type ImageExplanation } from './explain.ts';
export type { ExplainOptions, Explanation } from './explanation.ts';
export { gradCam, type GradCamOptions } from './gradCam.ts';
export {
  integratedGradients,
  type IntegratedExplanation,
  type IntegratedGradientsOptions,
} from './integratedGradients.ts';
export type { AttnLrpRuleOptions } from './lrp/attnLrpRules.ts';
export type { Ledger, LedgerEntry } from './lrp/ledger.ts';
export type { PixelExplanation } from './lrp/relevancePass.ts';
export {
  explanationMethod,
  explanationMethods,
  registerExplanation,
  type ExplanationMethod,
  type MethodOptions,
} from './methods.ts';
export {
  occlusion,
  smoothGrad,
  type OcclusionOptions,
  type SmoothGradOptions,
} from './perturbed.ts';
export { positionSimilarity, type PositionSimilarity } from './positionSimilarity.ts';
export { relevance, type RelevanceOptions } from './relevance.ts';
export { gradRollout, rolloutMaps, type RolloutMapsOptions } from './rolloutMaps.ts';
export type { ClassTarget, TargetOptions } from './target.ts';
export {
  attributionMethods,
  transformerAttribution,
  type Attribution,
  type AttributionMethod,
  type AttributionOptions,
} from './transformerAttribution.ts';
export {
  visualizeAttention,
  type Prediction,
  type VisualizeAttentionOptions,
} from './visualizeAttention.ts';
export {
  attentionRelevance,
  crossAttentionRelevance,
  type EncoderDecoder,
  type GradedAttention,
} from './attentionRelevance.ts';
export {
  attentionDistance,
  correspondence,
  featureColors,
  headEntropy,
  logitLens,
  patchFeatures,
  patchFilters,
  tokenNorms,
  type ArtefactToken,
  type PatchFeatures,
  type PatchFilter,
} from './learned.ts';
export { traceForward, type Trace, type TracedTensor } from './traceForward.ts';

// evaluate
export { coalitionLogits, type CoalitionOptions, type Coalitions } from './evaluate/coalitions.ts';
export {
  imputed,
  perturbationCurve,
  pointsInto,
  type CurveOptions,
  type PerturbationCurve,
} from './evaluate/curves.ts';
export {
  infidelity,
  rankCorrelation,
  sensitivity,
  unexplained,
  type ImageScore,
} from './evaluate/metrics.ts';
export { parameterRandomisation, randomLogit } from './evaluate/randomisation.ts';
export {
  coalitionValues,
  exactShapley,
  sampledShapley,
  shapleyValues,
  type ExactShapley,
  type ShapleyGame,
} from './evaluate/shapley.ts';
export {
  similarityRelevance,
  type SimilarityRelevance,
  type SimilarityRelevanceOptions,
  type TwoTowers,
} from './similarityRelevance.ts';
export {
  disposeQueryAttention,
  queryAttention,
  queryRelevance,
  type AttentionPaths,
  type QueryAttention,
  type QueryModel,
  type QueryOptions,
} from './queryRelevance.ts';
