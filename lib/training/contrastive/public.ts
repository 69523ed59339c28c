// The part of contrastive training that users of the library import.

export {
  classVectors,
  contrastive,
  type ContrastiveModel,
  type ContrastiveOptions,
  type ZeroShotEvaluation,
} from './contrastive.ts';
