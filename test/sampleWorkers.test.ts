import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { makeImage } from '../lib/core/image.ts';
import { Rng } from '../lib/core/rng.ts';
import { BadImages } from '../lib/data/badImages.ts';
import { fractalDataset } from '../lib/fractaldb/dataset.ts';
import { Loader, type LoaderConfig } from '../lib/data/loader.ts';
import { MemoryDataset, firstImages, type Dataset } from '../lib/data/dataset.ts';
import { prefetch } from '../lib/data/prefetch.ts';
import { originOf, type Transform } from '../lib/data/transform.ts';
import { makeTransforms, transformNames } from '../lib/data/transformRegistry.ts';
import { encodePng } from '../lib/io/encodePng.ts';
import { imageFolderDataset } from '../lib/io/imageFolder.ts';
import { listImages } from '../lib/io/imageListing.ts';
import { startThread } from '../lib/io/thread.ts';
import { SampleWorkers } from '../lib/workers/sampleWorkers.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'workers-'));
  for (let i = 0; i < 24; i += 1) put(`${'abc'[i % 3]}/${i}.png`, picture(i));
  put('b/damaged.png', 'no image');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function put(name: string, content: Uint8Array | string): void {
  mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
  writeFileSync(path.join(root, name), content);
}

// Pictures of different sizes, so that the order in which they are done is not that in which they are asked for.
function picture(seed: number): Uint8Array {
  const side = 8 + ((seed * 7) % 5) * 6;
  const rng = new Rng(seed);
  const data = Uint8Array.from({ length: side * side * 3 }, () => rng.integer(256));
  return encodePng(makeImage(side, side, 3, data));
}

const steps = [
  { name: 'randomResizedCrop', height: 8, width: 8 },
  { name: 'randomHorizontalFlip' },
  { name: 'autoAugment', policy: 'rand-m9-mstd0.5-inc1' },
];
const normalize = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
const common = {
  batchSize: 7,
  seed: 3,
  training: true,
  normalize,
  outputShape: [8, 8, 3],
} as const;

async function folder(bad = new BadImages(1)): Promise<Dataset> {
  return imageFolderDataset(await listImages(root), { bad });
}

async function batchesOf(config: LoaderConfig, epochs = 2) {
  const loader = new Loader(config);
  const batches: { images: number[]; labels: number[]; indices: number[] }[] = [];
  for (let epoch = 0; epoch < epochs; epoch += 1) {
    for await (const { images, labels, indices } of prefetch(loader, epoch)) {
      batches.push({ images: [...images], labels: [...labels], indices: [...indices] });
    }
  }
  return batches;
}

// One pool of two threads for most tests, because a thread takes its time to start.
const started: Worker[] = [];
const notes: string[] = [];
const base = pathToFileURL(path.resolve('lib/workers/sampleWorkers.ts')).href;
const shared = new SampleWorkers({
  workers: 2,
  onNote: (text) => notes.push(text),
  start: (id) => {
    started.push(startThread('./worker', base, { id }));
    return started.at(-1)!;
  },
});
const samples = shared.samplesOf;
afterAll(() => shared.close());

test('pixels and order are those of this thread', async () => {
  const trainTransforms = makeTransforms(steps);
  const [reference, bad] = [new BadImages(1), new BadImages(1)];
  const wanted = await batchesOf({ ...common, trainTransforms, dataset: await folder(reference) });
  const dataset = await folder(bad);
  expect(await batchesOf({ ...common, trainTransforms, dataset, samples })).toEqual(wanted);
  expect(bad.list()).toEqual(reference.list());
  expect([bad.count, notes]).toEqual([1, []]);
});

test('several loaders share the threads, and images in memory go through them where it is asked for', async () => {
  const images = Uint8Array.from({ length: 20 * 64 }, (_, i) => i % 251);
  const labels = Array.from({ length: 20 }, (_, i) => i % 2);
  const classNames = ['a', 'b'];
  const memory = new MemoryDataset({ images, labels, imageShape: [8, 8, 1], classNames });
  const ofMemory: LoaderConfig = {
    batchSize: 4,
    dataset: firstImages(memory, 9),
    normalize: { mean: [0.5], std: [0.5] },
    training: true,
    trainTransforms: makeTransforms([{ name: 'randomAffine', degrees: 20 }]),
  };
  const ofFiles = { ...common, trainTransforms: makeTransforms(steps), dataset: await folder() };
  const [a, b] = await Promise.all([
    batchesOf({ ...ofMemory, samples }),
    batchesOf({ ...ofFiles, samples }, 1),
  ]);
  expect(a).toEqual(await batchesOf(ofMemory));
  expect(b).toEqual(await batchesOf(ofFiles, 1));
});

test('pictures of a FractalDB are rendered in the threads', async () => {
  const options = { categories: 2, instances: 3, size: 16, points: 2000, workers: 0 };
  const dataset = await fractalDataset(options);
  const config = { dataset, batchSize: 4, normalize, training: true };
  expect(await batchesOf({ ...config, samples }, 1)).toEqual(await batchesOf(config, 1));
});

test('a worker that dies is replaced, and neither order nor pixels change', async () => {
  const config = { ...common, trainTransforms: makeTransforms(steps), dataset: await folder() };
  const wanted = await batchesOf(config, 1);
  const loader = new Loader({ ...config, samples });
  const given: number[][] = [];
  for (let step = 0; step < loader.steps; step += 1) {
    const pending = loader.batch(0, step);
    if (step === 1) void started[0]!.terminate();
    given.push([...(await pending).images]);
  }
  expect(given).toEqual(wanted.map(({ images }) => images));
});

test('memory is bounded: no more samples are begun than there are slots', async () => {
  const transforms = makeTransforms(steps);
  const dataset = await folder();
  const outputShape = [8, 8, 3] as const;
  const source = samples({ dataset, transforms, seed: 0, outputShape, batchSize: 2 });
  const all = Array.from({ length: 12 }, (_, i) => Promise.resolve(source.prepare(i, 0)));
  const first = await Promise.all(all.slice(0, 4));
  let done = false;
  void all[4]!.then(() => (done = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(done).toBe(false);
  const place = (image: { data: Uint8Array }) => image.data.byteOffset;
  const taken = first.map(place).sort();
  for (const image of first) source.release!(image);
  const more = await Promise.all(all.slice(4, 8));
  expect(more.map(place).sort()).toEqual(taken);
  for (const image of more) source.release!(image);
  await Promise.all(all);
});

test('a sample that workers die of is an error that names it, and the others go on', async () => {
  const place = mkdtempSync(path.join(tmpdir(), 'ended-'));
  for (const name of ['a', 'deadly']) {
    mkdirSync(path.join(place, name));
    writeFileSync(path.join(place, name, '1.png'), picture(1));
  }
  const dataset = imageFolderDataset(await listImages(place));
  const own = pathToFileURL(path.resolve('test/support/one.ts')).href;
  const pool = new SampleWorkers({
    workers: 1,
    start: (id) => startThread('./deadlyWorker', own, { id }),
  });
  const outputShape = [20, 20, 3] as const;
  const source = pool.samplesOf({ dataset, transforms: [], seed: 0, outputShape, batchSize: 2 });
  const answers = await Promise.allSettled([0, 1, 0].map(async (i) => source.prepare(i, 0)));
  await pool.close();
  rmSync(place, { recursive: true });
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  const { message } = (answers[1] as PromiseRejectedResult).reason as Error;
  expect(message).toMatch(/3 worker threads ended while they prepared .*deadly.1\.png/);
});

test('workers that cannot start are an error with a remedy', async () => {
  const pool = new SampleWorkers({
    workers: 1,
    start: () => new Worker('process.exit(1)', { eval: true }),
  });
  const loader = new Loader({ ...common, dataset: await folder(), samples: pool.samplesOf });
  await expect(loader.batch(0, 0)).rejects.toThrow(/threads end before they can work.*--workers 0/);
});

test('a closed pool fails what is waited for', async () => {
  const pool = new SampleWorkers({ workers: 1, start: () => new Worker('', { eval: true }) });
  const loader = new Loader({ ...common, dataset: await folder(), samples: pool.samplesOf });
  const pending = loader.batch(0, 0);
  await Promise.all([expect(pending).rejects.toThrow(/closed/), pool.close()]);
});

test('functions of the caller stay in this thread, which is told once', async () => {
  const transform: Transform = (image) => image;
  const dataset = await folder();
  const trainTransforms = [...makeTransforms(steps), transform];
  for (let i = 0; i < 2; i += 1) new Loader({ ...common, dataset, trainTransforms, samples });
  expect(notes).toEqual([
    'Samples are prepared in the main thread, because transform 3 is a function, which cannot be sent to a worker.',
  ]);
});

test('every transform of the library can be sent to a worker', () => {
  const size = { height: 8, width: 8 };
  const options: Record<string, object> = {
    randomElastic: { strength: 0.1 },
    fit: size,
    resize: { size: 8 },
    centerCrop: size,
    randomResizedCrop: size,
    randomCrop: size,
    autoAugment: { policy: 'rand-m9' },
  };
  for (const name of transformNames()) {
    const [transform] = makeTransforms([{ name, ...options[name] }]);
    expect(originOf(transform!)).toMatchObject({ name });
  }
});
