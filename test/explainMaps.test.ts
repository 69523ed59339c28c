import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { PNG } from 'pngjs';
import { Capture } from '../lib/core/capture.ts';
import { makeImage } from '../lib/core/image.ts';
import { readAttention } from '../lib/explain/attentionArray.ts';
import type { AttentionArray } from '../lib/explain/attentionArray.ts';
import { attentionMaps, patchGrid, stretchMap } from '../lib/explain/attentionMaps.ts';
import { attentionRollout } from '../lib/explain/rollout.ts';
import { predictionOf, visualizeAttention } from '../lib/explain/visualizeAttention.ts';
import { VisionTransformer } from '../lib/models/vit/visionTransformer.ts';
import type { VisionTransformerOptions } from '../lib/models/vit/parseConfig.ts';

const tiny = {
  patchSize: 4,
  inChannels: 1,
  numClasses: 5,
  embedDim: 12,
  depth: 2,
  numHeads: 2,
  seed: 0,
};
const variants: Record<string, VisionTransformerOptions> = {
  'a class token': { ...tiny, imageSize: [8, 12] },
  registers: { ...tiny, imageSize: [12, 8], regTokens: 3 },
  distilled: { ...tiny, imageSize: 8, distilled: true },
  'no class token': { ...tiny, imageSize: [8, 16], classToken: false, globalPool: 'avg' },
  'one patch': { ...tiny, imageSize: 4 },
};

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Entry (b, h, i, j) is its own place written in decimals, so a mixed-up index shows. */
function numbered(batch: number, heads: number, tokens: number): AttentionArray {
  const data = new Float64Array(batch * heads * tokens * tokens);
  let at = 0;
  for (let b = 0; b < batch; b += 1) {
    for (let h = 0; h < heads; h += 1) {
      for (let i = 0; i < tokens; i += 1) {
        for (let j = 0; j < tokens; j += 1, at += 1) data[at] = ((b * 10 + h) * 10 + i) * 10 + j;
      }
    }
  }
  return { shape: [batch, heads, tokens, tokens], data };
}

describe('attention maps', () => {
  const layout = { numPrefixTokens: 2, gridSize: [2, 3] } as const;
  const layers = [numbered(2, 3, 8), numbered(2, 3, 8)];

  test('take the query, head and patch they name, on a grid that is not square', () => {
    const maps = attentionMaps(layers, { ...layout, batchIndex: 1 });
    expect(maps).toHaveLength(2);
    expect(maps[0]).toHaveLength(3);
    expect(maps[1]![2]).toEqual({
      height: 2,
      width: 3,
      data: Float64Array.of(1202, 1203, 1204, 1205, 1206, 1207),
    });
    const other = attentionMaps(layers, { ...layout, query: 7 });
    expect([...Array.from(other[0]![1]!.data)]).toEqual([172, 173, 174, 175, 176, 177]);
  });

  test('without a class token are the mean over patch queries', () => {
    const map = attentionMaps([numbered(1, 1, 6)], {
      numPrefixTokens: 0,
      gridSize: [2, 3],
    })[0]![0]!;
    Array.from(map.data).forEach((value, i) => expect(value).toBeCloseTo(25 + i, 9));
  });

  test.each([
    [{ numPrefixTokens: 1, gridSize: [2, 3] as const }, /1 \+ 2 × 3 = 7 tokens/],
    [{ ...layout, query: 8 }, /query/],
    [{ ...layout, batchIndex: 2 }, /batchIndex/],
    [{ numPrefixTokens: 8, gridSize: [0, 3] as const }, /grid rows/],
  ])('refuse what does not fit (%#)', (options, message) => {
    expect(() => attentionMaps(layers, options)).toThrow(message);
  });
});

describe('the layout of the tokens comes with the capture', () => {
  const captured = async (options: VisionTransformerOptions, [height, width]: [number, number]) => {
    const model = new VisionTransformer({ ...tiny, ...options }, { onWarning: () => {} });
    const capture = new Capture(['blocks.*.attn_probs']);
    tf.tidy(() => void model.forward(tf.ones([1, height, width, 1]), { intercept: capture }));
    const attentions = await readAttention(capture);
    capture.dispose();
    model.dispose();
    return { attentions, model };
  };

  test('so images of another size have their own grid, whatever the model is configured for', async () => {
    const dynamic = { imageSize: [8, 32], dynamicImageSize: true } as const;
    const { attentions, model } = await captured({ ...dynamic }, [16, 16]);
    expect(model.gridSize).toEqual([2, 8]);
    for (const options of [undefined, model]) {
      const [map] = attentionMaps(attentions, options)[0]!;
      expect([map!.height, map!.width]).toEqual([4, 4]);
      const rollout = patchGrid(attentionRollout(attentions, { queries: [0] }), options);
      expect([rollout.height, rollout.width]).toEqual([4, 4]);
    }
  });

  test('so a register is not taken for a class token', async () => {
    const options = { imageSize: 8, classToken: false, globalPool: 'avg', regTokens: 2 } as const;
    const { attentions, model } = await captured(options, [8, 8]);
    const mean = attentionMaps(attentions, { query: 'mean' });
    expect(attentionMaps(attentions)).toEqual(mean);
    const { numPrefixTokens, gridSize, hasClassToken } = model;
    const bare = attentions.map(({ shape, data }) => ({ shape, data }));
    expect(attentionMaps(bare, { numPrefixTokens, gridSize, hasClassToken })).toEqual(mean);
    expect(attentionMaps(bare, model)).toEqual(mean);
    expect(() => attentionMaps(attentions, { query: 'class' })).toThrow(/without a class token/);
  });

  test('and attention that brings none has to be given one', () => {
    expect(() => attentionMaps([numbered(1, 1, 4)])).toThrow(/numPrefixTokens/);
    expect(() => attentionMaps([numbered(1, 1, 4)], { numPrefixTokens: 0 })).toThrow(/gridSize/);
    expect(() => patchGrid([1, 2])).toThrow(/layout/);
  });
});

describe('stretching', () => {
  test('goes from 0 to 1', () => {
    const { data, constant } = stretchMap({ height: 1, width: 3, data: [2, 4, 3] });
    expect([...data, constant]).toEqual([0, 1, 0.5, false]);
  });

  test('a constant map becomes zeros and says so', () => {
    const { data, constant } = stretchMap({ height: 2, width: 2, data: [0.25, 0.25, 0.25, 0.25] });
    expect([...data, constant]).toEqual([0, 0, 0, 0, true]);
  });

  test('refuses NaN', () => {
    expect(() => stretchMap({ height: 1, width: 1, data: [NaN] })).toThrow(/map\[0\]\[0\]/);
  });
});

test('a patch grid leaves the prefix out', () => {
  const layout = { numPrefixTokens: 1, gridSize: [1, 2] } as const;
  expect([...patchGrid([9, 1, 2], layout).data]).toEqual([1, 2]);
  expect(() => patchGrid([9, 1], layout)).toThrow(/3 tokens/);
});

test('the most probable class is the first of equals', () => {
  const probabilities = Float32Array.of(0.2, 0.4, 0.4);
  expect(predictionOf(probabilities, ['a', 'b', 'c'])).toEqual({
    classIndex: 1,
    className: 'b',
    confidence: probabilities[1],
    probabilities,
  });
});

describe('reading a capture', () => {
  test('gives layers in order, also from the tenth on', async () => {
    const capture = new Capture(['blocks.*.attn_probs']);
    for (const i of [10, 2, 0])
      tf.tidy(() => {
        capture.offer(`blocks.${i}.attn_probs`, tf.fill([1, 1, 1, 1], i));
      });
    const layers = await readAttention(capture);
    expect(layers.map(({ data }) => data[0])).toEqual([0, 2, 10]);
    capture.dispose();
  });

  test('says what is missing', async () => {
    await expect(readAttention(new Capture([]))).rejects.toThrow(/blocks\.\*\.attn_probs/);
  });
});

describe.each(Object.entries(variants))('the picture of a model with %s', (_, options) => {
  const model = () => new VisionTransformer(options, { onWarning: () => {} });

  test('shows its own prediction, and leaves no tensor behind', async () => {
    const vit = model();
    const { imageSize, numHeads, depth } = vit.config;
    const [height, width] = imageSize;
    const pixels = Float32Array.from({ length: height * width }, (__, i) => Math.sin(i));
    const picture = makeImage(
      width,
      height,
      1,
      Uint8Array.from(pixels, (x) => 127 + 100 * x),
    );
    const before = tf.memory().numTensors;
    const { png, prediction } = await visualizeAttention({ model: vit, pixels, picture, label: 3 });
    expect(tf.memory().numTensors).toBe(before);

    const expected = tf.tidy(() =>
      vit.predict(tf.tensor4d(pixels, [1, height, width, 1])).dataSync(),
    );
    expected.forEach((value, k) => expect(prediction!.probabilities[k]).toBeCloseTo(value, 5));
    expect(prediction!.confidence).toBe(Math.max(...prediction!.probabilities));
    const size = PNG.sync.read(Buffer.from(png));
    expect(size.width).toBeGreaterThan(400);
    expect(size.height).toBeLessThan(400 + 160 * depth);
    expect(numHeads).toBe(2);
    vit.dispose();
  });

  test('is refused for pixels of another size, and leaves no tensor behind', async () => {
    const vit = model();
    const before = tf.memory().numTensors;
    const picture = makeImage(1, 1, 1, Uint8Array.of(0));
    await expect(
      visualizeAttention({ model: vit, pixels: new Float32Array(7), picture }),
    ).rejects.toThrow(/pixels/);
    const nan = new Float32Array(vit.config.imageSize[0] * vit.config.imageSize[1]).fill(NaN);
    await expect(visualizeAttention({ model: vit, pixels: nan, picture })).rejects.toThrow(
      /finite/,
    );
    expect(tf.memory().numTensors).toBe(before);
    vit.dispose();
  });
});
