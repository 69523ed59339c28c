// The features of an image by a ResNet, stage by stage: node --import tsx examples/resnet.ts
//   [--image FILE] [--output outputs/] [--checkpoint FOLDER|FILE]
//
// Without --checkpoint the shipped model of scenes is taken. Written: {image}_resnet_features.png, 64 channels of the last stage;
// {image}_resnet_layer_features.png, channels of every stage from the stem on; {image}_resnet_overlay.png, where the last stage answers most.
// The vector of the picture, 512 or 2048 numbers of a published ResNet, and its logits are said in a line each.

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { disposeEncoding, featureSheet, overlaySheet, selectBackend } from 'tfjs-vit/node';
import { classNamesOf, openEncoder, openImage } from './support/encoders.ts';
import { channelGrids, normGrid } from './support/featureMaps.ts';
import { runScript } from './support/script.ts';

const flags = { image: 'data/digit.png', output: 'outputs', checkpoint: null } as const;

await runScript(flags, async ({ image: file, output, checkpoint }, [word]) => {
  const { image, stem } = await openImage(word ?? file);
  console.log((await selectBackend()).reason);
  const encoder = (await openEncoder('resnet', checkpoint, console.log))!;
  const { layers, vectorSize } = encoder.describe();
  const encoding = encoder.encode([await encoder.preprocess(image)], { layers });
  const { features, pooled, logits } = encoding;
  console.log(
    `Feature vector: [${pooled.shape.join(', ')}], the mean over space of ${vectorSize} channels.`,
  );
  if (logits !== undefined) {
    const scores = await logits.data();
    const best = scores.indexOf(Math.max(...scores));
    const name = classNamesOf(encoder.model)[best];
    console.log(`Logits: [${logits.shape.join(', ')}]; the largest is of class ${name}.`);
  }
  await mkdir(output, { recursive: true });
  const write = async (part: string, png: Uint8Array) => {
    const place = path.join(output, `${stem}_resnet_${part}.png`);
    await writeFile(place, png);
    console.log(`Wrote ${place}`);
  };
  const last = features[layers.at(-1)!]!;
  const maps = await channelGrids(last);
  const title = `Channels of ${layers.at(-1)}`;
  await write('features', await featureSheet({ groups: [{ maps }], title, scale: 2 }));
  const groups = [];
  for (const layer of layers) {
    const map = features[layer]!;
    const shape = `${map.shape.slice(1, 3).join(' × ')}, ${map.shape[3]} channels`;
    groups.push({ heading: layer, maps: await channelGrids(map, 16), note: shape });
  }
  const low = 'Features from low to high';
  await write('layer_features', await featureSheet({ groups, columns: 4, title: low, scale: 2 }));
  const norms = [];
  for (const layer of layers) norms.push({ heading: layer, map: await normGrid(features[layer]!) });
  const where = 'Where each stage answers most';
  await write('overlay', await overlaySheet({ image, maps: norms, title: where, scale: 2 }));
  disposeEncoding(encoding);
  encoder.dispose();
});
