// How alike two images are, by the cosine of their feature vectors: node --import tsx examples/similarity.ts FIRST SECOND
//   [--encoder vit|clip|detr|resnet] [--checkpoint FOLDER|FILE]

import { InputError, disposeEncoding, selectBackend } from 'tfjs-vit/node';
import { encoderNames, openEncoder, openImage, type EncoderName } from './support/encoders.ts';
import { runScript } from './support/script.ts';

const flags = { encoder: 'vit', checkpoint: null } as const;

await runScript(flags, async ({ encoder: kind, checkpoint }, words) => {
  const name: EncoderName | undefined = encoderNames.find((one) => one === kind);
  if (name === undefined) {
    throw new InputError(
      `Expected one of ${encoderNames.join(', ')} for --encoder, received "${kind}".`,
    );
  }
  const [first, second = first] = words.length === 0 ? ['data/digit.png'] : words;
  console.log((await selectBackend()).reason);
  const encoder = await openEncoder(name, checkpoint, console.log);
  if (encoder === undefined) throw new InputError(`Expected a checkpoint for --checkpoint, received none.`); // prettier-ignore
  const vectors: Float32Array[] = [];
  for (const file of [first!, second!]) {
    const { image } = await openImage(file);
    const encoding = encoder.encode([await encoder.preprocess(image)]);
    vectors.push(Float32Array.from(await encoding.pooled.data()));
    disposeEncoding(encoding);
  }
  console.log(`Similarity: ${cosine(vectors[0]!, vectors[1]!).toFixed(4)}`);
  encoder.dispose();
});

// x·y / (‖x‖·‖y‖), and 0 where one of them is all zeros.
function cosine(x: Float32Array, y: Float32Array): number {
  const dot = (a: Float32Array, b: Float32Array) =>
    a.reduce((sum, value, i) => sum + value * b[i]!, 0);
  const norms = Math.sqrt(dot(x, x) * dot(y, y));
  return norms === 0 ? 0 : dot(x, y) / norms;
}
