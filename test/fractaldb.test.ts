import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { PNG } from 'pngjs';
import { Loader } from '../lib/data/loader.ts';
import { datasetDescriptor, datasetNames } from '../lib/data/registry.ts';
import { InputError } from '../lib/core/errors.ts';
import { ifsOf, rowsOf } from '../lib/fractal/ifs.ts';
import { typescriptKernels } from '../lib/fractal/kernels.ts';
import { parseFractalOptions } from '../lib/fractal/options.ts';
import { perturbedSystems } from '../lib/fractal/perturb.ts';
import { categoryName, fileName, placeOf } from '../lib/fractal/places.ts';
import { FractalRenderer, pictureImage } from '../lib/fractal/renderer.ts';
import {
  cacheFileName,
  cachedCategories,
  userCacheFolder,
} from '../lib/fractaldb/categoryCache.ts';
import { fractalDataset } from '../lib/fractaldb/dataset.ts';
import '../lib/fractaldb/datasets.ts';
import { writeFractalFolder } from '../lib/fractaldb/folder.ts';
import { encodeIndexedPng } from '../lib/fractaldb/indexedPng.ts';
import { searchCategories } from '../lib/fractaldb/search.ts';
import { FractalWorkers } from '../lib/fractaldb/workers.ts';
import { decodeImage } from '../lib/io/decodeImage.ts';
import { vit } from './support/cli.ts';

jest.setTimeout(180_000);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'fractaldb-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const small = { categories: 2, size: 32, pad: 4, points: 800 };
const write = (options: object, settings: object = {}, into = 'a') =>
  writeFractalFolder(parseFractalOptions(options), {
    folder: path.join(folder, into),
    workers: new FractalWorkers(0),
    ...settings,
  });

/** The bytes of every file below a folder, by its path. */
function contents(root: string): Map<string, string> {
  const names = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
  const files = names.map(
    (file) => [path.relative(root, file), readFileSync(file, 'hex')] as const,
  );
  return new Map(files.sort(([a], [b]) => (a < b ? -1 : 1)));
}

describe('a folder', () => {
  test('has the official names, and is the same by 0, 1 and 2 workers', async () => {
    const counts = [0, 1, 2];
    for (const count of counts) {
      const workers = new FractalWorkers(count);
      const result = await write({ ...small, instances: 30 }, { workers }, `by${count}`);
      await workers.close();
      expect(result).toMatchObject({ found: 2, written: 60, kept: 0, finished: true });
    }
    const [none, one, two] = counts.map((count) => contents(path.join(folder, `by${count}`)));
    expect([...none!.keys()].slice(0, 4)).toEqual([
      'csv/00000.csv',
      'csv/00001.csv',
      'fractaldb.json',
      'train/00000/00000_00_count_0_flip0.png',
    ]);
    expect(none!.size).toBe(3 + 60);
    expect(one).toEqual(none);
    expect(two).toEqual(none);
  });

  test('is gone on with, and grows into a superset', async () => {
    await write({ ...small, instances: 20 });
    const root = path.join(folder, 'a');
    const before = contents(root);
    const [first, second] = [0, 1].map((instance) =>
      path.join(root, 'train', '00001', fileName(placeOf(1, instance))),
    ) as [string, string];
    rmSync(first);
    truncateSync(second, 50);
    writeFileSync(
      path.join(root, 'train', '00001', '.x.png.999999999-0123456789abcdef.tmp'),
      'half',
    );
    expect(await write({ ...small, instances: 20 })).toMatchObject({
      found: 0,
      written: 2,
      kept: 38,
    });
    expect(contents(root)).toEqual(before);
    const grown = await write({ ...small, categories: 3, instances: 110 });
    expect(grown).toMatchObject({ found: 3, written: 290, kept: 40 });
    const after = contents(root);
    for (const [name, bytes] of before) expect([name, after.get(name)]).toEqual([name, bytes]);
  });

  test('of the search alone takes pictures later', async () => {
    const options = { ...small, instances: 1 };
    expect(await write(options, { searchOnly: true })).toMatchObject({ found: 2, written: 0 });
    expect(existsSync(path.join(folder, 'a', 'train'))).toBe(false);
    expect(await write(options)).toMatchObject({ found: 0, written: 2 });
    await expect(write({ ...options, size: 40 })).rejects.toThrow(
      /Expected 32.*for size in .*received 40/,
    );
    expect(await write({ ...options, size: 40 }, { searchOnly: true })).toMatchObject({ found: 0 });
  });

  test('of something else is refused, and left as it is', async () => {
    mkdirSync(path.join(folder, 'a', 'train', 'cat'), { recursive: true });
    await expect(write(small)).rejects.toThrow(/no folder train of others/);
    mkdirSync(path.join(folder, 'b'));
    writeFileSync(path.join(folder, 'b', 'fractaldb.json'), '{"search": 3}');
    await expect(write(small, {}, 'b')).rejects.toThrow(/the record of a FractalDB/);
    writeFileSync(path.join(folder, 'c'), 'a file');
    await expect(write(small, {}, 'c')).rejects.toThrow(/Expected a folder/);
    expect(readdirSync(path.join(folder, 'a'))).toEqual(['train']);
  });

  test('with a file of another system is refused', async () => {
    await write({ ...small, categories: 1 }, { searchOnly: true });
    const file = path.join(folder, 'a', 'csv', '00000.csv');
    writeFileSync(file, readFileSync(file, 'utf8').replace('1.724', '1.725'));
    await expect(write(small, { searchOnly: true })).rejects.toThrow(/category 0 of the search/);
    writeFileSync(file, 'a,b\n');
    await expect(write(small, { searchOnly: true })).rejects.toThrow(/line 1 of/);
  });

  test('is left whole by a stop, which the next call goes on from', async () => {
    const stop = { signal: undefined as 'SIGINT' | undefined };
    const onProgress = (what: string): void =>
      void (what === 'pictures' && (stop.signal = 'SIGINT'));
    const stopped = await write({ ...small, instances: 4 }, { stop, onProgress });
    expect(stopped).toMatchObject({ finished: false, written: 4 });
    expect(await write({ ...small, instances: 4 })).toMatchObject({
      found: 0,
      written: 4,
      kept: 4,
    });
  });
});

describe('PNG files with a palette', () => {
  const ifs = ifsOf([
    [0.5, 0, 0, 0.5, 0, 0, 0.4],
    [0.5, 0.1, 0, 0.5, 0.5, 0, 0.3],
    [0.5, 0, 0, 0.5, 0.25, 0.5, 0.3],
  ]);

  test.each(['patch_gray', 'patch_color', 'point_gray', 'point_color'])(
    'show the pixels, %s',
    async (draw) => {
      const options = parseFractalOptions({ size: 45, points: 2000, draw });
      const picture = new FractalRenderer(options, typescriptKernels()).picture(ifs, placeOf(0, 3));
      const bytes = encodeIndexedPng(picture);
      const image = pictureImage(picture, 3);
      expect(await decodeImage(bytes, { mode: 'pil' })).toEqual(image);
      const { data } = PNG.sync.read(Buffer.from(bytes));
      expect([...data.filter((_, i) => i % 4 !== 3)]).toEqual([...image.data]);
    },
  );
});

describe('the data set', () => {
  test('renders the pictures of the folder, in the order of all categories', async () => {
    const options = { ...small, instances: 3 };
    await write(options);
    const dataset = await fractalDataset({ ...options, workers: 0 });
    expect(dataset).toMatchObject({ length: 6, numClasses: 2, classNames: ['00000', '00001'] });
    for (let i = 0; i < dataset.length; i += 1) {
      const name = fileName(placeOf(dataset.label(i), Math.floor(i / 2)));
      const file = path.join(folder, 'a', 'train', name.slice(0, 5), name);
      expect(await dataset.image(i)).toEqual(await decodeImage(file));
    }
    await expect(dataset.image(6)).rejects.toThrow(/index/);
    const there = await fractalDataset({
      ...options,
      channels: 1,
      folder: path.join(folder, 'a'),
      workers: 0,
    });
    const [grey, rgb] = [await there.image(5), await dataset.image(5)];
    expect(grey.data).toEqual(rgb.data.filter((_, i) => i % 3 === 0));
    const more = { ...options, categories: 9, folder: path.join(folder, 'a'), workers: 0 };
    await expect(fractalDataset(more)).rejects.toThrow(/9 categories in csv.*--search-only/);
    const coloured = { ...options, draw: 'patch_color', channels: 1, workers: 0 } as const;
    await expect(fractalDataset(coloured)).rejects.toThrow(/channels with patch_color/);
  });

  test('gives a loader the same batches by 0 and 2 workers', async () => {
    const [here, threads] = await Promise.all(
      [0, 2].map((workers) => fractalDataset({ ...small, instances: 12, workers })),
    );
    const batches = await Promise.all(
      [here!, threads!].map((dataset) =>
        new Loader({
          dataset,
          batchSize: 10,
          training: true,
          normalize: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
        }).batch(0, 1),
      ),
    );
    expect(batches[1]).toEqual(batches[0]);
  });

  test('is registered under the published names, without anything held out', () => {
    expect(datasetNames()).toEqual(
      expect.arrayContaining([
        'FractalDB-60',
        'FractalDB-1k',
        'FractalDB-10k',
        'OFDB-1k',
        'OFDB-21k',
        '1p-frac-1k',
      ]),
    );
    expect(datasetDescriptor('FractalDB-1k')).toMatchObject({ parts: ['train'], valSplit: 0 });
  });
});

describe('a single fractal', () => {
  const single = { categories: 4, instances: 1, size: 32, pad: 4, points: 800, single: 1 };

  test('gives perturbations of one category, in a folder and while training alike', async () => {
    const [, base] = await searchCategories(2, new FractalWorkers(0));
    const { categories } = await write(single);
    const dataset = await fractalDataset({ ...single, workers: 0 });
    expect([dataset.length, dataset.numClasses]).toEqual([4, 4]);
    const rows = categories.map((ifs) => rowsOf(ifs).flat());
    const own = rowsOf(base!.ifs).flat();
    for (const row of rows) {
      const moved = row.map((value, i) => value - own[i]!);
      expect(moved.every((by, i) => (i % 7 === 6 ? by === 0 : Math.abs(by) <= 0.05))).toBe(true);
      expect(Math.max(...moved.map(Math.abs))).toBeGreaterThan(0.02);
    }
    expect(new Set(rows.map(String)).size).toBe(4);
    for (let i = 0; i < 4; i += 1) {
      const name = path.join(folder, 'a', 'train', categoryName(i));
      const [file] = readdirSync(name);
      const { data } = await decodeImage(readFileSync(path.join(name, file!)));
      expect(data).toEqual((await dataset.image(i)).data);
    }
  });

  test('of more categories contains one of fewer, and of a smaller delta is nearer', async () => {
    const [base] = await searchCategories(1, new FractalWorkers(0));
    const five = perturbedSystems(base!.ifs, 5, 0.1);
    expect(perturbedSystems(base!.ifs, 2, 0.1)).toEqual(five.slice(0, 2));
    const near = perturbedSystems(base!.ifs, 5, 1e-6);
    near.forEach(({ maps }) =>
      maps.forEach((value, i) => expect(Math.abs(value - base!.ifs.maps[i]!)).toBeLessThan(1e-6)),
    );
  });

  test('whose points run away is drawn again, and refused where all do', () => {
    // A map that stretches by 1.02: half of the perturbations make it shrink.
    const stretching = ifsOf([
      [1.02, 0, 0, 0.5, 0.1, 0.1, 0.5],
      [1.02, 0, 0, 0.5, -0.1, 0.2, 0.5],
    ]);
    const systems = perturbedSystems(stretching, 20, 0.1);
    expect(systems.every(({ maps }) => maps[0]! * maps[8]! < 1.005)).toBe(true);
    const hopeless = ifsOf([[3, 0, 0, 3, 1, 1, 1]]);
    expect(() => perturbedSystems(hopeless, 1, 0.1)).toThrow(/delta, received 0\.1/);
  });

  test('has a folder of its own, and a delta only with it', async () => {
    await write({ ...single, categories: 1 });
    await expect(write({ ...single, categories: 1, single: null })).rejects.toThrow(InputError);
    await expect(write({ ...single, categories: 1, delta: 0.2 })).rejects.toThrow(InputError);
    const words = ['fractaldb', '--delta', '0.2', '--output', path.join(folder, 'b')];
    const { code, error } = await vit(...words);
    expect([code, error]).toEqual([2, expect.stringMatching(/^Expected no delta/)]);
    expect(existsSync(path.join(folder, 'b'))).toBe(false);
  });
});

test('the search goes on until enough are found', async () => {
  const seen: number[] = [];
  const found = await searchCategories(3, new FractalWorkers(0), {
    onProgress: (done) => void seen.push(done),
  });
  expect(found.map(({ candidate }) => candidate)).toEqual([23, 28, 67]);
  expect(seen.at(-1)).toBe(3);
});

describe('the cache of the categories', () => {
  const workers = new FractalWorkers(0);
  const ask = async (count: number, cache: string) => {
    const notes: string[] = [];
    const systems = await cachedCategories(count, workers, { cache, onNote: (t) => notes.push(t) });
    return { systems, notes };
  };

  test('spares the next search, and gives the same numbers', async () => {
    const cache = path.join(folder, 'new', 'cache');
    const first = await ask(2, cache);
    expect(first.notes[0]).toMatch(/^Searching the 2 categories/);
    expect(first.notes.at(-1)).toMatch(/kept for the next time: .*fractaldb-categories\.json$/);
    expect(await ask(2, cache)).toEqual({ systems: first.systems, notes: [] });
    expect((await ask(1, cache)).systems).toEqual(first.systems.slice(0, 1));
    const more = await ask(3, cache);
    expect(more.systems.slice(0, 2)).toEqual(first.systems);
    expect(more.notes).not.toEqual([]);
    expect((await ask(3, cache)).notes).toEqual([]);
  });

  test('a damaged file is searched anew, and a place that refuses files is told', async () => {
    const { systems } = await ask(1, folder);
    const file = path.join(folder, cacheFileName);
    for (const damage of [(t: string) => t.replace('0.', '0.1'), (t: string) => t.slice(0, 90)]) {
      writeFileSync(file, damage(readFileSync(file, 'utf8')));
      const again = await ask(1, folder);
      expect([again.systems, again.notes.length]).toEqual([systems, 2]);
    }
    const refused = await ask(1, path.join(file, 'below'));
    expect(refused.notes.at(-1)).toMatch(/^The categories cannot be kept/);
  });

  test('lies where the system keeps such things', () => {
    expect(userCacheFolder({ XDG_CACHE_HOME: '/c' })).toBe(path.join('/c', 'tfjs-vit'));
    // A relative path is invalid by the specification.
    expect(path.isAbsolute(userCacheFolder({ XDG_CACHE_HOME: 'c' }))).toBe(true);
  });
});

describe('tfjs-vit fractaldb', () => {
  test('writes the folder and a contact sheet, and says what there is', async () => {
    const root = path.join(folder, 'a');
    const words = [
      '--categories',
      '2',
      '--size',
      '32',
      '--points',
      '500',
      '--pad',
      '4',
      '--workers',
      '0',
    ];
    const { code, out, error } = await vit(
      'fractaldb',
      ...words,
      '--one-instance',
      '--output',
      root,
    );
    expect({ code, error }).toEqual({ code: 0, error: '' });
    expect(out).toMatch(/categories {2}2, searched.*\npictures {4}2 \(2 × 1\): .*train\na look/);
    expect(readdirSync(root).sort()).toEqual([
      'contact-sheet.png',
      'csv',
      'fractaldb.json',
      'train',
    ]);
    const sheet = await decodeImage(path.join(root, 'contact-sheet.png'));
    expect(sheet.width).toBeGreaterThan(200);
  });

  test.each([
    [['--categories', '0'], /--categories/],
    [['--one-instance', '--instances', '2'], /no --instances with --one-instance/],
    [['--draw', 'dots'], /--draw/],
    [['--draw', 'point_gray', '--instances', '500'], /at most 100 for instances/],
    [['--size', '8'], /--size/],
    [['--weights', '0.9'], /--weights/],
    [['--size', '20', '--pad', '9'], /pad at size 20/],
    [['--workers', '-1'], /--workers/],
  ])('refuses %j', async (words, message) => {
    const { code, error } = await vit('fractaldb', ...words, '--output', path.join(folder, 'x'));
    expect(code).toBe(2);
    expect(error).toMatch(message);
    expect(existsSync(path.join(folder, 'x'))).toBe(false);
  });
});
