// The features and the attention of an image by a Vision Transformer: node --import tsx examples/vit.ts
//   [--image FILE] [--output outputs/] [--checkpoint FOLDER|FILE]
//
// Without --checkpoint the shipped model of scenes is taken. Written: {image}_vit_features.png, 64 channels of the last block, 8 × 8;
// {image}_vit_attention.png, every head of every block; {image}_vit_attention_overlay.png, the mean of the heads over the image;
// {image}_vit_layer_features.png, channels of every block from the first to the last.

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  Capture,
  attentionMaps,
  disposeEncoding,
  featureSheet,
  overlaySheet,
  readAttention,
  selectBackend,
  type Grid,
} from 'tfjs-vit/node';
import { classNamesOf, openEncoder, openImage } from './support/encoders.ts';
import { channelGrids } from './support/featureMaps.ts';
import { runScript } from './support/script.ts';

const flags = { image: 'data/digit.png', output: 'outputs', checkpoint: null } as const;

await runScript(flags, async ({ image: file, output, checkpoint }, [word]) => {
  const { image, stem } = await openImage(word ?? file);
  console.log((await selectBackend()).reason);
  const encoder = (await openEncoder('vit', checkpoint, console.log))!;
  const { layers } = encoder.describe();
  const capture = new Capture(['blocks.*.attn_probs', 'visual.blocks.*.attn_probs'], {
    onWarning: () => undefined,
  });
  const prepared = await encoder.preprocess(image);
  const encoding = encoder.encode([prepared], { layers, intercept: capture });
  const { tokens, features, pooled, logits } = encoding;
  console.log(
    `Tokens: [${tokens.shape.join(', ')}]; feature vector: [${pooled.shape.join(', ')}].`,
  );
  if (logits !== undefined) {
    const scores = await logits.data();
    const best = scores.indexOf(Math.max(...scores));
    console.log(`The largest logit is of class ${classNamesOf(encoder.model)[best]}.`);
  }
  await mkdir(output, { recursive: true });
  const write = async (part: string, png: Uint8Array) => {
    const place = path.join(output, `${stem}_vit_${part}.png`);
    await writeFile(place, png);
    console.log(`Wrote ${place}`);
  };
  const maps = await channelGrids(features[layers.at(-1)!]!);
  const title = `Channels of ${layers.at(-1)}`;
  await write('features', await featureSheet({ groups: [{ maps }], title, scale: 2 }));
  const attention = attentionMaps(await readAttention(capture), { query: 'class' });
  const byBlock = layers.map((heading, i) => ({ heading, maps: attention[i]! }));
  const heads = 'Attention of the class token, head by head';
  await write(
    'attention',
    await featureSheet({ groups: byBlock, columns: 4, title: heads, scale: 2 }),
  );
  const means = layers.map((heading, i) => ({ heading, map: mean(attention[i]!) }));
  const where = 'Attention of the class token, mean of the heads';
  const over = { image: prepared.picture, maps: means, title: where, scale: 2 };
  await write('attention_overlay', await overlaySheet(over));
  const groups = [];
  for (const heading of layers) {
    groups.push({ heading, maps: await channelGrids(features[heading]!, 16) });
  }
  const low = 'Features from low to high';
  await write('layer_features', await featureSheet({ groups, columns: 4, title: low, scale: 2 }));
  capture.dispose();
  disposeEncoding(encoding);
  encoder.dispose();
});

// The mean of maps of one size.
function mean(maps: readonly Grid[]): Grid {
  const [{ width, height } = { width: 0, height: 0 }] = maps;
  const data = Float32Array.from(
    { length: width * height },
    (_, i) => maps.reduce((sum, map) => sum + map.data[i]!, 0) / maps.length,
  );
  return { width, height, data };
}
