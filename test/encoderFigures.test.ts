import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { Rng } from '../lib/core/rng.ts';
import { makeImage } from '../lib/core/image.ts';
import { linearCka } from '../lib/encoders/cka.ts';
import { disposeEncoding, modelEncoder } from '../lib/encoders/encoder.ts';
import { featureSheetSvg } from '../lib/figures/featureSheet.ts';
import { objectBoxesSvg } from '../lib/figures/objectBoxes.ts';
import { overlaySheetSvg } from '../lib/figures/overlaySheet.ts';
import { Detr } from '../lib/models/detr/detr.ts';
import { ResNet } from '../lib/models/resnet/resNet.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const image = makeImage(20, 10, 3, new Uint8Array(600).fill(90));
const map = { width: 3, height: 2, data: Float32Array.from([0, 1, 2, 3, 4, 5]) };
const normalize = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };

describe('CKA', () => {
  const rng = new Rng(4);
  const vectors = (count: number, length: number) =>
    Array.from({ length: count }, () => Array.from({ length }, () => rng.normal()));

  test('is that of the definition, with matrices', () => {
    const [x, y] = [vectors(7, 3), vectors(7, 5)];
    const centred = (rows: number[][]) => {
      const all = tf.tensor2d(rows);
      return tf.sub<tf.Tensor2D>(all, tf.mean(all, 0, true));
    };
    const [a, b] = [centred(x), centred(y)];
    const square = (p: tf.Tensor2D, q: tf.Tensor2D) =>
      tf.sum(tf.square(tf.matMul(p, q, true))).dataSync()[0]!;
    const wanted = square(b, a) / Math.sqrt(square(a, a) * square(b, b));
    expect(linearCka(x, y)).toBeCloseTo(wanted, 5);
  });

  test('does not change with a rotation, a factor or an offset; constants have none', () => {
    const x = vectors(6, 2);
    const turned = x.map(([a, b]) => [3 + 2 * (0.6 * a! - 0.8 * b!), 2 * (0.8 * a! + 0.6 * b!), 7]);
    expect(linearCka(x, turned)).toBeCloseTo(1, 9);
    expect(
      linearCka(
        x,
        Array.from({ length: 6 }, () => [0, 0]),
      ),
    ).toBe(0);
    expect(() => linearCka(x, x.slice(1))).toThrow(/6 vectors, as x has/);
    expect(() => linearCka([[1]], [[1]])).toThrow(/at least 2 vectors/);
    expect(() => linearCka([[1], [NaN]], [[1], [2]])).toThrow(/finite/);
    expect(() => linearCka([[1], [2, 3]], [[1], [2]])).toThrow(/1 numbers/);
  });
});

describe('figures', () => {
  test('boxes with their labels, cut at the edges of the image', () => {
    const objects = [
      { box: [2, 2, 8, 6] as const, label: 'cat <93 %>' },
      { box: [-50, -50, 500, 500] as const, label: 'all' },
    ];
    const svg = objectBoxesSvg({ image, objects, side: 200, title: 'Objects' });
    expect(svg).toContain('x="20" y="20" width="60" height="40"');
    expect(svg).toContain('x="0" y="0" width="200" height="100"');
    expect(svg).toContain('cat &lt;93 %&gt;');
    const empty = 'No object has a score above 0.7.';
    expect(objectBoxesSvg({ image, objects: [], empty })).toContain(empty);
    const wrong = [{ box: [0, NaN, 1, 1] as const, label: 'x' }];
    expect(() => objectBoxesSvg({ image, objects: wrong })).toThrow(/objects\[0\]/);
  });

  test('feature maps in rows, and overlays with headings', () => {
    const maps = Array.from({ length: 5 }, () => map);
    const svg = featureSheetSvg({
      groups: [{ heading: 'layer1', maps, note: '3 × 2' }],
      columns: 2,
    });
    expect(svg.match(/<image /g)).toHaveLength(5);
    expect(svg).toContain('layer1');
    expect(featureSheetSvg({ groups: [] })).toContain('no maps');
    const overlays = overlaySheetSvg({ image, maps: [{ heading: 'query 3', map }] });
    expect(overlays).toContain('query 3');
    expect(overlaySheetSvg({ image, maps: [], empty: 'Nothing.' })).toContain('Nothing.');
  });
});

describe('encoders', () => {
  const preparation = { filter: 'bilinear', normalize } as const;

  test('a ResNet: stages, the mean of the last map, logits', async () => {
    const encoder = modelEncoder(
      new ResNet({
        imageSize: 16,
        planes: [4, 6],
        layers: [1, 1],
        smallInput: false,
        numClasses: 3,
      }),
      { preparation },
    );
    expect(encoder.describe()).toMatchObject({
      layers: ['stem', 'layer1', 'layer2'],
      vectorSize: 6,
    });
    const prepared = await encoder.preprocess(image);
    const encoding = encoder.encode([prepared], { layers: ['stem', 'layer2'] });
    expect(Object.keys(encoding.features)).toEqual(['stem', 'layer2']);
    const mean = tf.mean(encoding.features['layer2']!, [1, 2]);
    expect(Array.from(encoding.pooled.dataSync())).toEqual(Array.from(mean.dataSync()));
    expect(encoding.logits!.shape).toEqual([1, 3]);
    expect(() => encoder.encode([prepared], { layers: ['layer9'] })).toThrow(/Did you mean layer/);
    disposeEncoding(encoding);
    encoder.dispose();
  });

  test('a DETR: the mean over the tokens of an image leaves its padding out', async () => {
    const encoder = modelEncoder(
      new Detr({
        ...{ imageSize: 16, numClasses: 2, backbone: { planes: [4], layers: [1] }, numQueries: 2 },
        ...{ dModel: 8, encoderLayers: 1, encoderAttentionHeads: 2, encoderFfnDim: 8, dropout: 0 },
        ...{ decoderLayers: 1, decoderAttentionHeads: 2, decoderFfnDim: 8 },
      }),
      { preparation: { ...preparation, pad: true } },
    );
    expect(encoder.describe()).toMatchObject({ layers: ['layer1', 'encoder'], vectorSize: 8 });
    const small = makeImage(8, 8, 3, new Uint8Array(192).fill(200));
    const prepared = [await encoder.preprocess(image), await encoder.preprocess(small)];
    const encoding = encoder.encode(prepared, { layers: ['layer1', 'encoder'] });
    const [, height, width] = encoding.features['encoder']!.shape;
    expect(encoding.features['layer1']!.shape.slice(0, 3)).toEqual([2, height, width]);
    const tokens = encoding.features['encoder']!.arraySync()[1]!;
    // 8 × 8 of 10 × 20 pixels cover 3 × 2 of the 3 × 5 places: row ⌊2·10/3⌋ = 6 and column ⌊2·20/5⌋ = 8 are checked.
    const covered = tokens.flatMap((row, y) =>
      row.filter((_, x) => Math.floor((y * 10) / height) < 8 && Math.floor((x * 20) / width) < 8),
    );
    const pooled = encoding.pooled.arraySync()[1]!;
    pooled.forEach((value, c) => {
      const mean = covered.reduce((sum, token) => sum + token[c]!, 0) / covered.length;
      expect(value).toBeCloseTo(mean, 5);
    });
    disposeEncoding(encoding);
    encoder.dispose();
  });
});
