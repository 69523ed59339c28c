// The part of the DETRs that users of the library import.

export type { DetrConfig, DetrOptions } from './config.ts';
export { Detr, type DetectOptions, type DetrOutput, type QueryPredictions } from './detr.ts';
export { detr } from './family.ts';
export { detections, type Detection, type DetectionOptions } from './postProcess.ts';
