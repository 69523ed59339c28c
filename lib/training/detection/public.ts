// The part of the training of detectors that users of the library import.

export { assign } from './assignment.ts';
export { averagePrecision, type DetectedImage, type ScoredBox } from './averagePrecision.ts';
export { detection, type DetectingModel, type DetectionEvaluation } from './detection.ts';
export { detrWeights, type DetectionWeights } from './match.ts';
export { setLoss, type SetLossOptions, type SetPredictions } from './setLoss.ts';
