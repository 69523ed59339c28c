// Zero-shot classification by CLIP, an image asked in words: node --import tsx examples/clip.ts --checkpoint FOLDER|FILE
//   [--image FILE] [--output outputs/] [--prompts "a photo of a cat|a photo of a dog"]
//
// Without --checkpoint the shipped model of scenes is taken, where there is one; else an untrained model, which is said. Written:
// {image}_clip_zero_shot.png, the probability of each prompt; {image}_clip_relevance.png, the patches that speak for the likeliest ones;
// {image}_clip_features.png, 64 channels of the last block.

import { existsSync, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import {
  Clip,
  InputError,
  barChart,
  clip,
  clipTokenizer,
  disposeEncoding,
  featureSheet,
  loadModel,
  modelEncoder,
  overlaySheet,
  sceneKinds,
  selectBackend,
  similarityRelevance,
} from 'tfjs-vit/node';
import { openImage } from './support/encoders.ts';
import { channelGrids } from './support/featureMaps.ts';
import { runScript } from './support/script.ts';

const shipped = 'checkpoints/scenes-clip';
const usual = sceneKinds.map((kind) => `a black ${kind}`).join('|');
const flags = {
  image: 'data/digit.png',
  output: 'outputs',
  checkpoint: null,
  prompts: usual,
} as const;

await runScript(flags, async ({ image: file, output, checkpoint, prompts: text }, [word]) => {
  const prompts = text.split('|').map((prompt) => prompt.trim());
  if (prompts.some((prompt) => prompt === '')) {
    throw new InputError(`Expected texts with | between them for --prompts, received "${text}".`);
  }
  const { image, stem } = await openImage(word ?? file);
  console.log((await selectBackend()).reason);
  const place = checkpoint ?? (existsSync(shipped) ? shipped : undefined);
  const folder = place !== undefined && statSync(place, { throwIfNoEntry: false })?.isDirectory() === true ? place : undefined; // prettier-ignore
  const tokenizer = await clipTokenizer(folder);
  if (place === undefined) {
    console.log('clip: no model is shipped yet and no checkpoint was given; its weights are UNTRAINED, and so are its answers.'); // prettier-ignore
  }
  const model = place === undefined ? untrained() : await loadModel(place, { family: clip });
  const encoder = modelEncoder(model, { name: 'clip', onNote: console.log });
  const { contextLength: length } = model.config.text;
  const ids = tokenizer.encodeAll(prompts, { length, onNote: console.log });
  const prepared = await encoder.preprocess(image);
  const pixels = tf.tensor4d(prepared.pixels, [1, ...model.inputShape]);
  const { logitsPerImage, imageEmbeds, textEmbeds } = model.similarity(pixels, ids);
  const probabilities = await tf.tidy(() => tf.softmax(logitsPerImage)).data();
  const order = prompts.map((_, i) => i).sort((a, b) => probabilities[b]! - probabilities[a]!);
  for (const i of order.slice(0, 5)) {
    console.log(`${(100 * probabilities[i]!).toFixed(1).padStart(5)} %  ${prompts[i]}`);
  }
  await mkdir(output, { recursive: true });
  const write = async (part: string, png: Uint8Array) => {
    const target = path.join(output, `${stem}_clip_${part}.png`);
    await writeFile(target, png);
    console.log(`Wrote ${target}`);
  };
  const bars = order.slice(0, 16).map((i) => ({ label: prompts[i]!, value: probabilities[i]! }));
  await write('zero_shot', await barChart({ bars, title: 'Zero-shot probabilities', format: 'percent', scale: 2 })); // prettier-ignore
  const top = order.slice(0, 4);
  const { maps } = await similarityRelevance(model, pixels, top.map((i) => ids[i]!)); // prettier-ignore
  const named = top.map((i, at) => ({ heading: prompts[i]!, map: maps[at]! }));
  const title = 'Patches that speak for a text';
  await write(
    'relevance',
    await overlaySheet({ image: prepared.picture, maps: named, title, scale: 2 }),
  );
  const last = encoder.describe().layers.at(-1)!;
  const encoding = encoder.encode([prepared], { layers: [last] });
  const channels = await channelGrids(encoding.features[last]!);
  await write('features', await featureSheet({ groups: [{ maps: channels }], title: `Channels of ${last}`, scale: 2 })); // prettier-ignore
  tf.dispose([pixels, logitsPerImage, imageEmbeds, textEmbeds]);
  disposeEncoding(encoding);
  encoder.dispose();
});

// A model of the size that examples/trainScenes.ts trains, with OpenAI's vocabulary.
function untrained(): Clip {
  return new Clip({
    vision: { imageSize: 64, patchSize: 8, embedDim: 96, depth: 4, numHeads: 4 },
    text: { embedDim: 32, depth: 2, numHeads: 4 },
    projectionDim: 64,
  });
}
