// The report of a run: its numbers, its advice, and a page that needs nothing else and takes any name.

import { calibration } from '../lib/training/calibration.ts';
import { classTable, confusions } from '../lib/training/classTable.ts';
import { PredictionList, type Predictions } from '../lib/training/predictions.ts';
import { adviceFor } from '../lib/report/advice.ts';
import { evidenceOf, wilson } from '../lib/report/evidence.ts';
import { html } from '../lib/report/html.ts';
import { reportPage } from '../lib/report/page.ts';
import type { EvaluatedPart, RunReport } from '../lib/report/runReport.ts';

// Predictions of images of K classes: [label, predicted, confidence].
function predictionsOf(images: readonly (readonly [number, number, number])[], K = 3): Predictions {
  const list = new PredictionList(K, images.length);
  for (const [label, predicted, confidence] of images) {
    const others = (1 - confidence) / (K - 1);
    const logits = Array.from({ length: K }, (_, k) =>
      Math.log(k === predicted ? confidence : others),
    );
    list.add(logits, [label]);
  }
  return list.result();
}

const dot =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABc3UBGAAAAABJRU5ErkJggg==';

function reportOf(
  predictions: Predictions | undefined,
  changes: Partial<RunReport> = {},
): RunReport {
  const evaluated: EvaluatedPart | undefined = predictions && {
    part: 'validation',
    predictions,
    worst: [{ index: 0, uri: dot, width: 1, height: 1, file: 'cat/1.jpg' }],
    training: { images: 100, top1: 0.96, loss: 0.1 },
  };
  const log = [1, 2].map((epoch) => ({
    ...{ epoch, trainLoss: 1 / epoch, valLoss: 1.1 / epoch, valTop1: 0.4 * epoch, valTop5: 1 },
    ...{ trainTop1: 0.45 * epoch, learningRate: 1e-3, imagesPerSecond: 100, seconds: 5 },
  }));
  return {
    ...{ name: 'photos', log, best: 1, epochs: 2, end: 'finished', smoothing: 0.1 },
    classNames: ['cat', 'dog', 'bird'],
    trainingCounts: [300, 300, 300],
    evaluated,
    pretrained: false,
    badImages: [],
    facts: [{ title: 'Data', facts: [['folder', '/photos']] }],
    ...changes,
  };
}

function repeat<T>(count: number, value: T): T[] {
  return Array.from({ length: count }, () => value);
}

describe('calibration', () => {
  test('is that of Guo et al. on numbers computed by hand', () => {
    const { ece, maxGap, bins } = calibration([0.9, 0.9, 0.6, 0.2], [1, 0, 1, 0], { bins: 5 });
    // Bins (0.8, 1]: accuracy 0.5 at 0.9; (0.4, 0.6]: 1 at 0.6; (0, 0.2]: 0 at 0.2.
    expect(ece).toBeCloseTo((2 * 0.4 + 0.4 + 0.2) / 4, 12);
    expect(maxGap).toBeCloseTo(0.4, 12);
    expect(bins.map(({ images }) => images)).toEqual([1, 0, 1, 0, 2]);
    expect(bins[1]).toEqual({ from: 0.2, to: 0.4, images: 0, confidence: null, accuracy: null });
  });

  test('has 15 bins by default, and takes 0 and 1', () => {
    const { bins, ece } = calibration([0, 1], [false, true]);
    expect([bins.length, bins[0]!.images, bins[14]!.images, ece]).toEqual([15, 1, 1, 0]);
    expect(calibration([], []).ece).toBe(0);
    expect(() => calibration([1], [])).toThrow('correct');
  });
});

test('predictions hold class, confidence and loss of each image', () => {
  const { labels, predicted, confidences, trueConfidences, losses } = predictionsOf([
    [0, 0, 0.8],
    [2, 1, 0.6],
  ]);
  expect([[...labels], [...predicted]]).toEqual([
    [0, 2],
    [0, 1],
  ]);
  expect([...confidences][0]).toBeCloseTo(0.8, 12);
  expect([...trueConfidences][1]).toBeCloseTo(0.2, 12);
  expect(losses[1]).toBeCloseTo(-Math.log(0.2), 12);
  expect(() => new PredictionList(3, 1).result()).toThrow('1 images');
});

test('the table of classes is that of scikit-learn', () => {
  // sklearn.metrics.classification_report([0,0,1,1,1], [0,1,1,1,0], labels=[0,1,2])
  const labels = Int32Array.from([0, 0, 1, 1, 1]);
  const predicted = Int32Array.from([0, 1, 1, 1, 0]);
  const [a, b, c] = classTable({ labels, predicted }, 3);
  expect(a).toEqual({ precision: 0.5, recall: 0.5, f1: 0.5, support: 2, predicted: 2 });
  expect([b!.precision, b!.recall, b!.f1]).toEqual([2 / 3, 2 / 3, 2 / 3]);
  expect(c).toEqual({ precision: null, recall: null, f1: null, support: 0, predicted: 0 });
  expect(confusions({ labels, predicted })).toEqual([
    { actual: 0, predicted: 1, images: 1 },
    { actual: 1, predicted: 0, images: 1 },
  ]);
});

test("Wilson's interval", () => {
  // statsmodels.stats.proportion.proportion_confint(9, 10, method='wilson')
  const [low, high] = wilson(9, 10);
  expect(low).toBeCloseTo(0.5958, 4);
  expect(high).toBeCloseTo(0.9821, 4);
  expect(wilson(0, 5)[0]).toBe(0);
});

describe('advice', () => {
  const right = [repeat(80, [0, 0, 0.97]), repeat(80, [1, 1, 0.97]), repeat(80, [2, 2, 0.97])];
  const good = right.flat() as [number, number, number][];
  const idsOf = (report: RunReport) => adviceFor(report, evidenceOf(report)).map(({ id }) => id);

  test('is none where nothing stands out', () => {
    expect(idsOf(reportOf(predictionsOf(good)))).toEqual([]);
  });

  test.each([
    ['holdOut', reportOf(undefined)],
    ['chance', reportOf(predictionsOf(good.map(([label]) => [label, 0, 0.4])))],
    ['overfitting', reportOf(predictionsOf([...good, ...repeat(60, [0, 1, 0.6] as const)]))],
    ['labels', reportOf(predictionsOf([...good, [0, 1, 0.99]]))],
    ['confused', reportOf(predictionsOf([...good, ...repeat(12, [0, 1, 0.6] as const)]))],
    ['imbalance', reportOf(predictionsOf(good), { trainingCounts: [300, 300, 20] })],
    ['longer', reportOf(predictionsOf([...good, [0, 1, 0.6], [0, 1, 0.6]]), { best: 2 })],
    ['few', reportOf(predictionsOf(good.slice(60)))],
    ['calibration', reportOf(predictionsOf(good.map(([a, b]) => [a, b, 0.6])))],
    ['badFiles', reportOf(predictionsOf(good), { badImages: [{ file: 'a', reason: 'b' }] })],
    [
      'pretrain',
      reportOf(predictionsOf([...good, ...repeat(20, [0, 1, 0.6] as const)]), {
        trainingCounts: [20, 20, 20],
      }),
    ],
  ])('%s', (id, report) => {
    expect(idsOf(report)).toContain(id);
  });

  test('says to train longer once', () => {
    const report = reportOf(predictionsOf([...good, ...repeat(60, [0, 1, 0.6] as const)]), {
      best: 2,
    });
    report.evaluated!.training = { images: 100, top1: 0.7, loss: 1 };
    const ids = idsOf(report);
    expect(ids).toContain('underfitting');
    expect(ids).not.toContain('longer');
  });
});

describe('the page', () => {
  const evil = '<script>alert("1")</script>';
  const classNames = ['猫', evil, 'a"onload="b'];
  const predictions = predictionsOf([
    [0, 1, 0.9],
    [1, 1, 0.8],
    [2, 2, 0.7],
  ]);
  const report = reportOf(predictions, { classNames, name: evil });
  report.evaluated!.worst.forEach((one) => Object.assign(one, { file: evil }));
  const page = reportPage(report);

  test('needs nothing from outside', () => {
    const addresses = [...page.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address!);
    expect(addresses.length).toBeGreaterThan(0);
    for (const address of addresses) expect(address).toMatch(/^(data:|#)/);
    expect(page).not.toMatch(/@import|url\(/);
    expect(page).toContain("default-src 'none'");
  });

  test('escapes names, and keeps those of any script', () => {
    expect(page).not.toContain('<script');
    expect(page).toContain('&lt;script&gt;');
    expect(page).not.toContain('"onload="');
    expect(page).toContain('<th scope="row">猫</th>');
    expect(html`<b title="${'"<&'}">${undefined}${3}</b>`.markup).toBe(
      '<b title="&quot;&lt;&amp;">3</b>',
    );
  });

  test('closes every element that it opens', () => {
    const open: string[] = [];
    const single = new Set(['meta', 'img', 'br', '!doctype']);
    for (const [, end, name, last] of page.matchAll(/<(\/?)([!\w]+)[^>]*?(\/?)>/g)) {
      if (single.has(name!) || last === '/') continue;
      if (end === '/') expect(open.pop()).toBe(name);
      else open.push(name!);
    }
    expect(open).toEqual([]);
  });

  test('has a text for every picture, and headers in every table', () => {
    for (const [image] of page.matchAll(/<img[^>]*>/g)) expect(image).toMatch(/ alt="[^"]+"/);
    for (const [svg] of page.matchAll(/<svg[^>]*>/g)) {
      expect(svg).toMatch(/role="img" aria-label="(?!figure)[^"]+"/);
    }
    for (const [table] of page.matchAll(/<table.*?<\/table>/gs)) expect(table).toContain('scope="');
    expect(page).toContain('<html lang="en">');
  });

  test('has every section; without held-out images those that need none', () => {
    const sections = (text: string) =>
      [...text.matchAll(/<section id="(\w+)"/g)].map(([, id]) => id);
    expect(sections(page)).toEqual([
      'next', 'curves', 'classes', 'confusion', 'worst', 'calibration', 'facts',
    ]); // prettier-ignore
    expect(sections(reportPage(reportOf(undefined)))).toEqual(['next', 'curves', 'facts']);
  });

  test('uses the colours of the page in its figures', () => {
    expect(page).not.toMatch(/(?:fill|stroke)="#/);
    expect(page).toContain('prefers-color-scheme: dark');
  });

  test('stays small with many classes and images', () => {
    const [K, n] = [3000, 9000];
    const many: Predictions = {
      labels: Int32Array.from({ length: n }, (_, i) => i % K),
      predicted: Int32Array.from({ length: n }, (_, i) => (i * 7) % K),
      confidences: new Float64Array(n).fill(0.5),
      trueConfidences: new Float64Array(n).fill(0.1),
      losses: new Float64Array(n).fill(2.3),
    };
    const big = reportOf(many, {
      classNames: Array.from({ length: K }, (_, k) => `class number ${k}`),
      trainingCounts: repeat(K, 10),
    });
    expect(reportPage(big).length).toBeLessThan(1.5e6);
  });
});
