// The objects of an image by a DETR, and where its queries look: node --import tsx examples/detr.ts
//   [--image FILE] [--output outputs/] [--checkpoint FOLDER] [--threshold 0.7]
//
// Without --checkpoint the shipped model of scenes is taken. Written: {image}_detr_detections.png, boxes with classes and scores;
// {image}_detr_relevance.png, what counts for each query that found something, by attention and gradients;
// {image}_detr_decoder_attention.png, where each query that found something looks; {image}_detr_encoder_attention.png, where the middle of its box
// looks in the encoder; {image}_detr_features.png, 64 channels after the encoder. facebook/detr-resnet-50 from Hugging Face works as it is.

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import {
  Capture,
  Detr,
  InputError,
  detections,
  featureSheet,
  objectBoxes,
  overlaySheet,
  queryRelevance,
  selectBackend,
  type Detection,
  type Grid,
} from 'tfjs-vit/node';
import { classNamesOf, openEncoder, openImage } from './support/encoders.ts';
import { channelGrids } from './support/featureMaps.ts';
import { runScript } from './support/script.ts';

const flags = {
  image: 'data/digit.png',
  output: 'outputs',
  checkpoint: null,
  threshold: 0.7,
} as const;

await runScript(flags, async ({ image: file, output, checkpoint, threshold }, [word]) => {
  if (!(threshold >= 0 && threshold <= 1)) {
    throw new InputError(`Expected a number from 0 to 1 for --threshold, received ${threshold}.`);
  }
  const { image, stem } = await openImage(word ?? file);
  console.log((await selectBackend()).reason);
  const encoder = (await openEncoder('detr', checkpoint, console.log))!;
  const { model } = encoder;
  if (!(model instanceof Detr)) {
    throw new InputError(`Expected a DETR for --checkpoint, received a ${model.family}.`);
  }
  const prepared = await encoder.preprocess(image);
  const { height, width, channels } = prepared.picture;
  const [encoderLayer, decoderLayer] = [
    `model.encoder.layers.${model.config.encoderLayers - 1}.self_attn_probs`,
    `model.decoder.layers.${model.config.decoderLayers - 1}.encoder_attn_probs`,
  ];
  const capture = new Capture([encoderLayer, decoderLayer]);
  const input = tf.tensor4d(prepared.pixels, [1, height, width, channels]);
  const result = model.detect(input, { intercept: capture });
  const [rows, columns] = result.featureMap.shape.slice(1, 3) as [number, number];
  const sizes = [[image.height, image.width]] as const;
  const [found = []] = await detections(result, { sizes, threshold });
  const names = classNamesOf(model);
  const labelOf = ({ label, score }: Detection) => `${names[label]} ${(100 * score).toFixed(0)} %`;
  for (const one of found) {
    console.log(`${labelOf(one)} at ${one.box.map((side) => Math.round(side)).join(', ')}`);
  }
  const nothing = `No object has a score above ${threshold}.`;
  if (found.length === 0) console.log(nothing);

  await mkdir(output, { recursive: true });
  const write = async (part: string, png: Uint8Array) => {
    const place = path.join(output, `${stem}_detr_${part}.png`);
    await writeFile(place, png);
    console.log(`Wrote ${place}`);
  };
  const objects = found.map((one) => ({ box: one.box, label: labelOf(one) }));
  await write(
    'detections',
    await objectBoxes({
      image,
      objects,
      empty: nothing,
      title: 'Objects',
      subtitle: `threshold ${threshold}`,
      scale: 2,
    }),
  );
  const grid = async (tensor: tf.Tensor, row: number): Promise<Grid> => {
    // The mean over heads of one row of [1, h, N, M].
    const mean = tf.tidy(() =>
      tf.mean(tf.squeeze(tf.slice(tensor, [0, 0, row, 0], [1, -1, 1, -1]), [0, 2]), 0),
    );
    const data = (await mean.data()) as Float32Array;
    mean.dispose();
    return { height: rows, width: columns, data };
  };
  const sheet = async (
    part: string,
    title: string,
    rowOf: (one: Detection) => number,
    name: string,
  ) => {
    const maps = await Promise.all(
      found.map(async (one) => ({
        heading: labelOf(one),
        map: await grid(capture.get(name), rowOf(one)),
      })),
    );
    await write(part, await overlaySheet({ image, maps, title, empty: nothing, scale: 2 }));
  };
  await sheet('decoder_attention', 'Where each query looks', ({ query }) => query, decoderLayer);
  const relevance = [];
  for (const one of found) {
    const { map } = await queryRelevance(model, input, { query: one.query });
    relevance.push({ heading: labelOf(one), map });
  }
  const counts = 'What counts for each query';
  const sheetOfRelevance = { image, maps: relevance, title: counts, empty: nothing, scale: 2 };
  await write('relevance', await overlaySheet(sheetOfRelevance));
  const middle = ({ box: [left, top, right, bottom] }: Detection) => {
    const place = (share: number, count: number) =>
      Math.min(count - 1, Math.max(0, Math.floor(share * count)));
    const row = place((top + bottom) / 2 / image.height, rows);
    return row * columns + place((left + right) / 2 / image.width, columns);
  };
  await sheet('encoder_attention', 'Where the middle of each box looks', middle, encoderLayer);
  const tokens = tf.reshape(result.tokens, [1, rows, columns, model.config.dModel]) as tf.Tensor4D;
  const maps = await channelGrids(tokens);
  await write(
    'features',
    await featureSheet({
      groups: [{ maps }],
      title: 'Channels after the encoder',
      subtitle: `${maps.length} of ${model.config.dModel}`,
      scale: 2,
    }),
  );
  capture.dispose();
  tf.dispose([input, tokens]);
  encoder.dispose();
});
