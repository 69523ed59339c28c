import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { InputError, ShapeError } from '../lib/core/errors.ts';
import { Rng } from '../lib/core/rng.ts';
import { Loader } from '../lib/data/loader.ts';
import { subset } from '../lib/data/dataset.ts';
import { generalizedIou, iou, toCentre, toCorners, type LabelledBox } from '../lib/data/objects.ts';
import { scene, sceneKinds } from '../lib/data/scenes.ts';
import { objectsOf, scenesDataset } from '../lib/data/scenesDataset.ts';
import { Detr } from '../lib/models/detr/detr.ts';
import { ResNet } from '../lib/models/resnet/resNet.ts';
import { assign } from '../lib/training/detection/assignment.ts';
import { averagePrecision } from '../lib/training/detection/averagePrecision.ts';
import { detection } from '../lib/training/detection/detection.ts';
import { matchQueries } from '../lib/training/detection/match.ts';
import { pairedGeneralizedIou, setLoss } from '../lib/training/detection/setLoss.ts';
import { makeOptimizer } from '../lib/training/optimizer.ts';
import { valueAndGrad } from '../lib/training/valueAndGrad.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const normalize = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };

describe('boxes', () => {
  test('overlap, by hand', () => {
    expect(iou([0, 0, 2, 2], [1, 0, 3, 2])).toBeCloseTo(2 / 6, 12);
    expect(iou([0, 0, 1, 1], [2, 2, 3, 3])).toBe(0);
    expect(generalizedIou([0, 0, 1, 1], [2, 0, 3, 1])).toBeCloseTo(-1 / 3, 12);
    expect(generalizedIou([0, 0, 2, 2], [0, 0, 2, 2])).toBe(1);
    expect([iou([1, 1, 1, 1], [1, 1, 1, 1]), generalizedIou([1, 1, 1, 1], [1, 1, 1, 1])]).toEqual([
      0, 0,
    ]);
    expect(toCentre(toCorners([0.4, 0.5, 0.2, 0.6])).map((x) => Math.round(x * 1e9) / 1e9)).toEqual(
      [0.4, 0.5, 0.2, 0.6],
    );
  });

  test('the tensors agree with the numbers', () => {
    const rng = new Rng(3);
    const boxes = () =>
      Array.from({ length: 40 }, () => [
        rng.uniform(),
        rng.uniform(),
        rng.uniform(0.05, 0.6),
        rng.uniform(0.05, 0.6),
      ]) as [number, number, number, number][];
    const [a, b] = [boxes(), boxes()];
    const paired = pairedGeneralizedIou(tf.tensor2d(a), tf.tensor2d(b)).arraySync();
    paired.forEach((value, i) =>
      expect(value).toBeCloseTo(generalizedIou(toCorners(a[i]!), toCorners(b[i]!)), 5),
    );
  });
});

describe('the assignment', () => {
  // The least sum over all ways to give each row a column of its own.
  const bruteForce = (costs: number[][], row = 0, taken = new Set<number>()): number => {
    if (row === costs.length) return 0;
    return Math.min(
      ...costs[row]!.map((cost, column) =>
        taken.has(column)
          ? Infinity
          : cost + bruteForce(costs, row + 1, new Set([...taken, column])),
      ),
    );
  };

  test('costs as little as the best of all', () => {
    const rng = new Rng(1);
    for (let round = 0; round < 120; round += 1) {
      const rows = rng.integer(5);
      const columns = rows + rng.integer(4);
      // Few different costs give many ties.
      const cost = () => (round % 2 === 0 ? rng.integer(4) - 2 : rng.normal());
      const costs = Array.from({ length: rows }, () => Array.from({ length: columns }, cost));
      const columnOf = assign(costs);
      expect(new Set(columnOf).size).toBe(rows);
      const sum = columnOf.reduce((total, column, row) => total + costs[row]![column]!, 0);
      expect(sum).toBeCloseTo(bruteForce(costs), 9);
    }
  });

  test('refuses what has no assignment', () => {
    expect(() => assign([[1], [2]])).toThrow(ShapeError);
    expect(() => assign([[1, 2], [3]])).toThrow(ShapeError);
    expect(() => assign([[NaN]])).toThrow(InputError);
    expect(assign([])).toEqual([]);
  });

  test('queries go to objects by class and box; the objects beyond the queries get none', () => {
    const objects: LabelledBox[] = [
      { label: 0, box: [0.2, 0.2, 0.2, 0.2] },
      { label: 1, box: [0.8, 0.8, 0.2, 0.2] },
    ];
    const boxes = [0.8, 0.8, 0.2, 0.2, 0.5, 0.5, 1, 1, 0.2, 0.2, 0.2, 0.2];
    const even = Array.from({ length: 9 }, () => 1 / 3);
    expect(matchQueries({ probabilities: even, boxes, queries: 3 }, objects)).toEqual([2, 0]);
    const sure = [0, 1, 0, 0, 1, 0, 1, 0, 0];
    const same = Array.from({ length: 12 }, () => 0.5);
    expect(matchQueries({ probabilities: sure, boxes: same, queries: 3 }, objects)[0]).toBe(2);
    const one = { probabilities: [1, 0, 0], boxes: boxes.slice(0, 4), queries: 1 };
    expect(matchQueries(one, objects)).toEqual([0, -1]);
    expect(matchQueries(one, [])).toEqual([]);
  });
});

describe('the loss', () => {
  const objects: LabelledBox[][] = [[{ label: 1, box: [0.5, 0.5, 0.4, 0.4] }], []];
  const logits = tf.tensor3d([
    [
      [0, 3, 0],
      [0, 0, 2],
    ],
    [
      [0, 0, 1],
      [1, 0, 0],
    ],
  ]);
  const boxes = tf.tensor3d([
    [
      [0.5, 0.5, 0.2, 0.4],
      [0.1, 0.1, 0.1, 0.1],
    ],
    [
      [0.5, 0.5, 0.5, 0.5],
      [0.5, 0.5, 0.5, 0.5],
    ],
  ]);

  test('is the formula', () => {
    const entropy = (row: number[], k: number) =>
      Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0)) - row[k]!;
    const terms = [
      [1, entropy([0, 3, 0], 1)],
      [0.1, entropy([0, 0, 2], 2)],
      [0.1, entropy([0, 0, 1], 2)],
      [0.1, entropy([1, 0, 0], 2)],
    ] as const;
    const share = terms.reduce((sum, [weight]) => sum + weight, 0);
    const classes = terms.reduce((sum, [weight, loss]) => sum + weight * loss, 0) / share;
    const wanted = classes + 5 * 0.2 + 2 * (1 - 0.5);
    expect(setLoss({ logits, boxes }, objects).dataSync()[0]).toBeCloseTo(wanted, 5);
    const weights = { class: 2, box: 1, giou: 0 };
    const other = setLoss({ logits, boxes }, objects, { weights }).dataSync()[0];
    expect(other).toBeCloseTo(2 * classes + 0.2, 5);
    // No object at all is finite.
    expect(setLoss({ logits, boxes }, [[], []]).dataSync()[0]).toBeLessThan(2);
  });
});

describe('average precision', () => {
  const at = (x: number): [number, number, number, number] => [x, 0, x + 10, 10];
  const found = (label: number, score: number, x: number) => ({ label, score, box: at(x) });

  test('by hand: one right, one wrong, one right', () => {
    const images = [
      {
        objects: [
          { label: 0, box: at(0) },
          { label: 0, box: at(100) },
        ],
        found: [found(0, 0.9, 0), found(0, 0.8, 50), found(0, 0.7, 101)],
      },
    ];
    // Recall 0.5 at precision 1, then 1 at 2/3: 51 and 50 of the 101 recalls.
    expect(averagePrecision(images)).toBeCloseTo((51 + 50 * (2 / 3)) / 101, 12);
    expect(averagePrecision(images, { threshold: 0.9 })).toBeCloseTo(51 / 101, 12);
  });

  test('an object counts once; classes are averaged; one without objects does not count', () => {
    const twice = {
      objects: [{ label: 0, box: at(0) }],
      found: [found(0, 0.9, 0), found(0, 0.8, 0), found(2, 0.9, 0)],
    };
    expect(averagePrecision([twice])).toBe(1);
    const missed = { objects: [{ label: 1, box: at(0) }], found: [found(0, 0.5, 0)] };
    expect(averagePrecision([twice, missed])).toBeCloseTo(0.5, 12);
    const late = { ...twice, found: [found(0, 0.2, 50), found(0, 0.1, 0)] };
    expect(averagePrecision([late])).toBeCloseTo(0.5, 12);
    expect(averagePrecision([])).toBeNaN();
    expect(averagePrecision([{ ...twice, found: [] }])).toBe(0);
    expect(() => averagePrecision([twice], { threshold: 2 })).toThrow(InputError);
  });
});

describe('scenes', () => {
  test('a data set of images and their objects, the largest of which is the class', () => {
    const data = scenesDataset({ count: 12, first: 5, size: 32 });
    const drawn = scene(7, { size: 32 });
    expect(data.image(2)).toEqual(drawn.image);
    expect(data.objects(2)).toEqual(objectsOf(drawn));
    const [first] = data.objects(2);
    const { left, top, right, bottom } = drawn.objects[0]!.box;
    const box = toCorners(first!.box).map((share) => Math.round(share * 32));
    expect(box).toEqual([left, top, right, bottom]);
    const sizes = data.objects(3).map(({ box: [, , width, height] }) => width * height);
    const largest = data.objects(3)[sizes.indexOf(Math.max(...sizes))]!;
    expect(data.label(3)).toBe(largest.label);
    expect(data.classNames).toEqual(sceneKinds);
    expect(subset(data, [3]).objects!(0)).toEqual(data.objects(3));
  });
});

describe('the task', () => {
  const tiny = {
    imageSize: 16,
    numClasses: 16,
    backbone: { layers: [1], planes: [4], smallInput: false },
    dModel: 8,
    encoderLayers: 1,
    decoderLayers: 2,
    encoderAttentionHeads: 2,
    decoderAttentionHeads: 2,
    encoderFfnDim: 8,
    decoderFfnDim: 8,
    numQueries: 4,
    dropout: 0,
  };
  const data = scenesDataset({ count: 6, size: 16 });

  test('learns a batch, after each layer of the decoder', async () => {
    const model = new Detr(tiny);
    const loader = new Loader({ dataset: data, batchSize: 6, normalize, training: true });
    const batch = await loader.batch(0, 0);
    expect(batch.objects!.map((own) => own.length)).toEqual(
      Array.from(batch.indices, (index) => data.objects(index).length),
    );
    const task = detection();
    task.assertFits(model, loader, {});
    const optimizer = makeOptimizer(model, { learningRate: 2e-2, weightDecay: 0 });
    const losses: number[] = [];
    for (let step = 0; step < 5; step += 1) {
      const { value, gradients, outputs } = valueAndGrad(model, () =>
        task.loss(model, batch, { training: true, rng: new Rng(step) }),
      );
      const [own, total] = [(await outputs['own']!.data())[0]!, (await value.data())[0]!];
      expect(total).toBeGreaterThan(own);
      losses.push(own);
      optimizer.step(gradients);
      tf.dispose([value, ...gradients.values(), ...Object.values(outputs)]);
    }
    expect(losses.at(-1)).toBeLessThan(losses[0]! * 0.9);
    const evaluator = task.evaluator(loader);
    expect(() => evaluator.result()).toThrow(InputError);
    await evaluator.add(model, batch, {});
    const { ap50, ap75, images, objects } = evaluator.result();
    expect([images, objects]).toEqual([6, batch.objects!.flat().length]);
    expect(ap50).toBeGreaterThanOrEqual(ap75);
    optimizer.dispose();
    model.dispose();
  });

  test('refuses a classifier, transforms, data without objects, and another number of classes', () => {
    const { objects: _, ...plain } = data;
    const loader = (dataset: typeof plain, extra = {}) =>
      new Loader({ dataset, batchSize: 2, normalize, ...extra });
    const model = new Detr(tiny);
    const task = detection();
    const resnet = new ResNet({ planes: [4], layers: [1], numClasses: 16 });
    expect(() => task.assertFits(resnet, loader(data), {})).toThrow(/a model that detects objects/);
    expect(() => task.assertFits(model, loader(plain), {})).toThrow(/objects of its images/);
    const evalTransforms = [(image: unknown) => image];
    expect(() => task.assertFits(model, loader(data, { evalTransforms }), {})).toThrow(
      /no transforms/,
    );
    const few = new Detr({ ...tiny, numClasses: 2 });
    expect(() => task.assertFits(few, loader(data), {})).toThrow(/16 classes/);
    for (const one of [model, few, resnet]) one.dispose();
  });

  test('the best model has the highest AP50, and a lower loss among equals', () => {
    const { isBetter } = detection();
    expect(isBetter({ ap50: 0.5, loss: 2 }, { ap50: 0.4, loss: 1 })).toBe(true);
    expect(isBetter({ ap50: 0.5, loss: 2 }, { ap50: 0.5, loss: 1 })).toBe(false);
    expect(isBetter({ ap50: NaN, loss: 2 }, null)).toBe(false);
  });

  test.each([
    { label: 16, box: [0.5, 0.5, 0.1, 0.1] },
    { label: 1, box: [0.5, 0.5, 0, 0.1] },
    { label: 1, box: [0.5, NaN, 0.1, 0.1] },
  ])('an object that cannot be one is refused: %j', async (object) => {
    const wrong = { ...data, objects: () => [object as unknown as LabelledBox] };
    const loader = new Loader({ dataset: wrong, batchSize: 1, normalize });
    const batch = await loader.batch(0, 0);
    const model = new Detr(tiny);
    expect(() => tf.tidy(() => detection().loss(model, batch, {}).loss)).toThrow(InputError);
    model.dispose();
  });
});
