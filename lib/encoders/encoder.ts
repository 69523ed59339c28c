// The one interface of image encoders: any image in, tokens, one vector, feature maps and logits out.

import type * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../core/check.ts';
import type { ForwardContext } from '../core/context.ts';
import { InputError, ShapeError, expected } from '../core/errors.ts';
import { assertFields, assertKind, assertListOf } from '../core/kinds.ts';
import { assertModule } from '../core/module.ts';
import type { EncodeOptions, Encoding } from '../models/encoding.ts';
import type { Model } from '../models/model.ts';
import { modelFamily } from '../models/registry.ts';
import * as t from '../ops/tensor.ts';
import { imageOf, type ImageInput } from '../predict/imageInput.ts';
import { prepareImage, type PreparedImage } from './prepare.ts';
import { imagePreparationOf, type ImagePreparation } from './processors.ts';

/**
 * The facts about an encoder, for a table that compares several.
 *
 * @property approach     in a few words: `Transformer over patches`
 * @property vectorSize   D, the length of the pooled vector
 * @property parameters   the number of its weights
 * @property layers       the names of the layers that have a feature map, from the images on
 * @property inputShape   [H, W, C] of the images that it is configured for
 * @property preparation  how an image becomes its input
 */
export interface EncoderDescription {
  readonly name: string;
  readonly family: string;
  readonly approach: string;
  readonly vectorSize: number;
  readonly parameters: number;
  readonly layers: readonly string[];
  readonly inputShape: readonly [number, number, number];
  readonly preparation: ImagePreparation;
}

/**
 * An image encoder: a model of any family with the preparation of its images.
 *
 * @example
 * const encoder = modelEncoder(await loadModel('checkpoints/scenes-clip'));
 * const image = await encoder.preprocess(await decodeImage('cat.jpg'));
 * const { pooled, features } = encoder.encode([image], { layers: ['blocks.0'] });
 */
export interface Encoder {
  readonly name: string;
  readonly model: Model;
  /** Its facts, for a table. */
  describe(): EncoderDescription;
  /** An image of any size, from 1 × 1 to 50 million pixels, as the model's input. @throws InputError naming what is no image */
  preprocess(image: ImageInput): Promise<PreparedImage>;
  /**
   * Encodes prepared images, or a batch [B, H, W, C] that is normalised already. The tensors are the caller's: `disposeEncoding`.
   *
   * @throws InputError for a layer that the model does not have; ShapeError for images of several sizes, unless the model pads them
   */
  encode(
    images: readonly PreparedImage[] | tf.Tensor4D,
    options?: EncodeOptions & ForwardContext,
  ): Encoding;
  /** Frees the model. */
  dispose(): void;
}

/**
 * The options of `modelEncoder`.
 *
 * @property name         how tables and files call it; default the family
 * @property preparation  of the images; default what is stored with the model, else that of the family's published weights
 * @property onNote       told what had to be assumed; default: nobody
 */
export interface ModelEncoderOptions {
  name?: string;
  preparation?: ImagePreparation;
  onNote?: (text: string) => void;
}

/**
 * The encoder that a model is. It owns the model from now on.
 *
 * @throws InputError if its family encodes no images (`ModelFamily.encoder`), or nothing tells how images are prepared
 *
 * @example const encoder = modelEncoder(createModel('vit_tiny_patch16_224'), { name: 'vit' });
 */
export function modelEncoder(model: Model, options: ModelEncoderOptions = {}): Encoder {
  assertModule(model, ['forward']);
  assertFields('options', options, { name: 'text?', preparation: 'object?', onNote: 'function?' });
  const family = modelFamily(model.family);
  const { encoder } = family;
  if (encoder === undefined) {
    const remedy = 'Give its family an encoder: ModelFamily.encoder.';
    throw new InputError(expected('a model that encodes images', 'model', model.family, remedy));
  }
  const { name = model.family, onNote } = options;
  const preparation = options.preparation ?? imagePreparationOf(model, onNote);
  const channels = model.inputShape[2];
  return {
    name,
    model,
    describe: () => ({
      name,
      family: model.family,
      approach: encoder.approach,
      vectorSize: encoder.vectorSize(model.config),
      parameters: model.countParameters(),
      layers: encoder.layers(model.config),
      inputShape: model.inputShape,
      preparation,
    }),
    preprocess: async (image) =>
      prepareImage(await imageOf(image, channels === 1 ? 1 : 3), preparation),
    encode: (images, encodeOptions = {}) => {
      assertKind('options', encodeOptions, 'object');
      if (!Array.isArray(images)) {
        return encoder.encode(model, images as tf.Tensor4D, encodeOptions);
      }
      const { batch, mask } = batchOf(images, 'pad' in preparation && preparation.pad === true);
      try {
        return encoder.encode(model, batch, { ...encodeOptions, ...(mask && { mask }) });
      } finally {
        t.dispose([batch, ...(mask ? [mask] : [])]);
      }
    },
    dispose: () => model.dispose(),
  };
}

/** Frees the tensors of an encoding. */
export function disposeEncoding(encoding: Encoding): void {
  assertFields('the encoding', encoding, { tokens: 'instance', features: 'object' });
  t.dispose(encoding as unknown as tf.TensorContainer);
}

// One batch of prepared images; where they are padded, with the mask of the places that an image has.
function batchOf(
  images: readonly PreparedImage[],
  pads: boolean,
): { batch: tf.Tensor4D; mask?: tf.Tensor3D } {
  assertListOf('images', images, 'instance');
  const [first] = images;
  if (first === undefined) throw new InputError(expected('at least one image', 'images', []));
  images.forEach((image, i) =>
    assertFields(`images[${i}]`, image, { picture: 'instance', pixels: 'floats' }),
  );
  const height = Math.max(...images.map(({ picture }) => picture.height));
  const width = Math.max(...images.map(({ picture }) => picture.width));
  const { channels } = first.picture;
  const other = images.find(({ picture }) => picture.height !== height || picture.width !== width);
  if (other !== undefined && !pads) {
    const { picture } = other;
    const received = [picture.height, picture.width];
    throw new ShapeError(expected(`images of one size, ${height} × ${width}`, 'images', received));
  }
  const shape: [number, number, number, number] = [images.length, height, width, channels];
  const pixels = new Float32Array(sizeOf(shape));
  const mask = pads ? new Float32Array(sizeOf(shape.slice(0, 3))) : undefined;
  images.forEach(({ picture, pixels: own }, b) => {
    const length = picture.width * channels;
    for (let y = 0; y < picture.height; y += 1) {
      const to = (b * height + y) * width;
      pixels.set(own.subarray(y * length, (y + 1) * length), to * channels);
      mask?.fill(1, to, to + picture.width);
    }
  });
  return {
    batch: t.tensor4d(pixels, shape),
    ...(mask && { mask: t.tensor3d(mask, [images.length, height, width]) }),
  };
}
