// The part of this room that belongs to the public API.

export { linearCka } from './cka.ts';
export {
  disposeEncoding,
  modelEncoder,
  type Encoder,
  type EncoderDescription,
  type ModelEncoderOptions,
} from './encoder.ts';
export { poolerOf, type Pooler } from './pooler.ts';
export { prepareImage, type PreparedImage } from './prepare.ts';
export {
  CLIP_NORMALIZATION,
  imagePreparationOf,
  parseImageProcessor,
  type ImagePreparation,
} from './processors.ts';
