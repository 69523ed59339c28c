import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  readFileSync,
  readdirSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { selectBackend } from '../lib/backends/select.ts';
import { formatSafetensors, parseSafetensors } from '../lib/checkpoints/safetensors.ts';
import { VitError } from '../lib/core/errors.ts';
import { findCases } from '../lib/parity/findCases.ts';
import { exitCodeOf, formatJson, totalsOf } from '../lib/parity/report.ts';
import { runCase, runParity } from '../lib/parity/run.ts';
import type { CaseResult } from '../lib/parity/report.ts';

const goldens = path.resolve(import.meta.dirname, 'goldens');
const small = path.join(goldens, 'vit-timm/dinov2-like');
jest.setTimeout(60_000);

let folder: string;

// The fastest backend that is available, because the cpu backend takes a minute here; .ci/run compares on each.
beforeAll(async () => void (await selectBackend()));
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'parity-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function run(
  ...folders: string[]
): Promise<{ lines: string[]; notes: string[]; cases: CaseResult[] }> {
  const [lines, notes]: [string[], string[]] = [[], []];
  const cases = await runParity(folders, {
    line: (text) => lines.push(text),
    note: (text) => notes.push(text),
  });
  return { lines, notes, cases };
}

/** A copy of a case with its case.json changed. */
function changedCase(source: string, change: (golden: Record<string, unknown>) => void): string {
  const copy = path.join(folder, path.basename(source));
  cpSync(source, copy, { recursive: true });
  const file = path.join(copy, 'case.json');
  const golden = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  change(golden);
  writeFileSync(file, JSON.stringify(golden));
  return copy;
}

function changeTensor(file: string, name: string, change: (values: Float32Array) => void): void {
  const { tensors } = parseSafetensors(new Uint8Array(readFileSync(file)));
  const tensor = tensors.get(name)!;
  const data = Float32Array.from(tensor.data as Float32Array);
  change(data);
  tensors.set(name, { ...tensor, data });
  writeFileSync(file, formatSafetensors(tensors));
}

test('the short form has a line for each case, and the entries that fail', async () => {
  const copy = changedCase(small, (golden) => {
    const entries = golden['compare'] as { tensor?: string }[];
    golden['compare'] = entries.filter(
      ({ tensor }) => tensor === 'patch_embed' || tensor === 'logits',
    );
  });
  changeTensor(path.join(copy, 'outputs.safetensors'), 'logits', (data) => (data[0]! += 1));
  const lines: string[] = [];
  await runParity(
    [copy],
    { line: (text) => lines.push(text), note: () => undefined },
    { short: true },
  );
  expect(lines).toEqual([
    expect.stringMatching(/^vit-timm\/dinov2-like\toutputs\.safetensors:logits\t.*\tFAIL$/),
    'vit-timm/dinov2-like\t2 entries\tFAIL',
    '0 passed, 1 failed, 0 skipped',
  ]);
});

describe('the stored cases', () => {
  test('agree with the references, every entry in a line of seven columns', async () => {
    // test/augment.test.ts runs the cases of augment, test/explainGoldens.test.ts those of explain.
    const folders = readdirSync(goldens, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .filter(({ name }) => !['augment', 'explain', 'images', 'odd-checkpoints'].includes(name))
      .map(({ name }) => path.join(goldens, name));
    const { lines, notes, cases } = await run(...folders);
    expect(notes.filter((note) => !note.includes('skipped'))).toEqual([]);
    expect(lines.at(-1)).toMatch(/^\d+ passed, 0 failed, \d+ skipped$/);
    const passed = cases.filter(({ verdict }) => verdict === 'ok').map(({ name }) => name);
    expect(passed).toEqual(
      expect.arrayContaining([
        'checkpoints/bad',
        'checkpoints/pth-views-legacy',
        'checkpoints/pth-views-zip',
        'checkpoints/safetensors-fp16',
        'fractaldb/filling-rate',
        'fractaldb/random1-patch-color',
        'fractaldb/weights',
        'resnet/resnet18-narrow',
        'resnet/small-input',
        'train-step/adamw-layer-decay',
        'train-step/lamb',
        'train-step/lamb-options',
        'train-step/muon',
        'train-step/muon-options',
        'train-step/param-groups',
        'train-step/schedules',
        'train-step/sgd-nesterov',
        'vit-timm/deit-distilled',
        'vit-timm/dynamic-img-size',
      ]),
    );
    expect(exitCodeOf(totalsOf(cases))).toBe(0);
    const rows = lines.slice(0, -1).map((line) => line.split('\t'));
    expect(rows.every((row) => row.length === 7)).toBe(true);
    expect(rows.length).toBe(cases.reduce((sum, { entries }) => sum + entries.length, 0));
    const skipped = rows.filter((row) => row[0] === 'checkpoints/bad' && row[6] === 'skip');
    expect(skipped).toEqual([]);
    const logits = rows.find(
      (row) => row[0] === 'vit-timm/dinov2-like' && row[1]!.endsWith(':logits'),
    )!;
    expect(Number(logits[2])).toBeLessThanOrEqual(Number(logits[4]));
  });

  test('leave nothing in memory', async () => {
    const cases = ['vit-timm/deit-distilled', 'train-step/adamw-layer-decay', 'checkpoints/bad'];
    await runCase(path.join(goldens, cases[0]!));
    const before = tf.memory().numTensors;
    for (const name of cases) await runCase(path.join(goldens, name));
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('a difference fails', () => {
  test('one gradient element beyond its tolerance, and nothing else', async () => {
    const copy = changedCase(small, () => undefined);
    changeTensor(
      path.join(copy, 'grads.safetensors'),
      'head.weight',
      (values) => (values[5]! += 1e-3),
    );
    const { lines, notes, cases } = await run(copy);
    expect(
      lines.filter((line) => line.endsWith('FAIL')).map((line) => line.split('\t')[1]),
    ).toEqual(['grads.safetensors:head.weight']);
    expect(lines.at(-1)).toBe('0 passed, 1 failed, 0 skipped');
    expect(notes.join()).toMatch(/head\.weight: \[0, 5\] is .* not /);
    expect(exitCodeOf(totalsOf(cases))).toBe(1);
  });

  test('a LayerNorm epsilon of 1e-5 where the reference has 1e-6', async () => {
    const copy = changedCase(
      small,
      ({ config }) => ((config as Record<string, unknown>)['norm_eps'] = 1e-5),
    );
    expect((await runCase(copy)).verdict).toBe('FAIL');
  });

  test('the tanh form of GELU where the reference has the exact one', async () => {
    const copy = changedCase(
      small,
      ({ config }) => ((config as Record<string, unknown>)['act_layer'] = 'gelu_tanh'),
    );
    expect((await runCase(copy)).verdict).toBe('FAIL');
  });

  test('a weight decay of another strength, and another learning rate', async () => {
    for (const change of [{ weight_decay: 1e-3 }, { lr: 0.0101 }, { momentum: 0.89 }]) {
      const copy = changedCase(path.join(goldens, 'train-step/sgd-nesterov'), ({ config }) =>
        Object.assign((config as { opt: object }).opt, change),
      );
      expect([change, (await runCase(copy)).verdict]).toEqual([change, 'FAIL']);
      rmSync(copy, { recursive: true });
    }
  });

  test('a tensor or a JSON value that nothing produces', async () => {
    const copy = changedCase(small, (golden) => {
      const [first] = golden['compare'] as { file: string; tensor: string }[];
      golden['compare'] = [{ ...first, file: 'inputs.safetensors', tensor: 'soft_targets' }];
    });
    const { entries, unreadable } = await runCase(copy);
    expect(entries.map(({ verdict, detail }) => [verdict, detail])).toEqual([
      ['FAIL', 'not produced'],
    ]);
    expect(unreadable).toBe(false);
  });

  test('weights of another model', async () => {
    const copy = changedCase(
      small,
      ({ config }) => ((config as Record<string, unknown>)['depth'] = 3),
    );
    const result = await runCase(copy);
    expect(result).toMatchObject({ verdict: 'FAIL', unreadable: false });
    expect(result.entries.every(({ verdict }) => verdict === 'FAIL')).toBe(true);
    expect(result.detail).toMatch(/blocks\.2/);
  });

  test('a checkpoint that should load, or be refused, but is not', async () => {
    const copy = changedCase(path.join(goldens, 'checkpoints/bad'), (golden) => {
      golden['compare'] = [
        { file: 'st-ok.safetensors', expect: 'refuse' },
        { file: 'st-hole.safetensors', expect: 'load' },
        { file: 'transposed-head.safetensors', expect: 'load', into: 'config' },
        { file: 'transposed-head.safetensors', expect: 'load' },
        { file: 'st-hole.safetensors', expect: 'either' },
      ];
    });
    const { entries } = await runCase(copy);
    expect(entries.map(({ verdict }) => verdict)).toEqual(['FAIL', 'FAIL', 'FAIL', 'ok', 'ok']);
  });
});

describe('unsupported parts are skipped by name', () => {
  test('a family', async () => {
    const copy = changedCase(small, (golden) => (golden['family'] = 'palmistry'));
    const { lines, notes, cases } = await run(copy);
    expect(lines.at(-1)).toBe('0 passed, 0 failed, 1 skipped');
    expect(notes).toEqual([
      'palmistry/dinov2-like skipped: the family palmistry is not supported yet',
    ]);
    expect(lines.slice(0, -1).every((line) => line.endsWith('skip'))).toBe(true);
    expect(exitCodeOf(totalsOf(cases))).toBe(0);
  });

  test('an optimizer', async () => {
    const kinds: [string, (golden: Record<string, unknown>) => void][] = [
      [
        'train-step/sgd-nesterov',
        ({ config }) => Object.assign((config as { opt: object }).opt, { opt: 'lars' }),
      ],
    ];
    for (const [name, change] of kinds) {
      const result = await runCase(changedCase(path.join(goldens, name), change));
      expect([name, result.verdict, result.unreadable]).toEqual([name, 'skip', false]);
    }
  });

  test('an optional tensor that is not produced does not fail', async () => {
    const copy = changedCase(small, (golden) => {
      (golden['compare'] as object[]).push({
        file: 'inputs.safetensors',
        tensor: 'labels',
        atol: 0,
        rtol: 0,
        optional: true,
      });
    });
    const { verdict, entries } = await runCase(copy);
    expect([verdict, entries.at(-1)!.verdict]).toEqual(['ok', 'skip']);
  });
});

describe('a case that cannot be read ends with 2, and the others run', () => {
  const breaks: [string, (copy: string) => void, RegExp][] = [
    ['no JSON', (copy) => writeFileSync(path.join(copy, 'case.json'), '{"schema": '), /JSON/],
    [
      'no text',
      (copy) => writeFileSync(path.join(copy, 'case.json'), new Uint8Array(300).fill(255)),
      /UTF-8/,
    ],
    [
      'a missing reference',
      (copy) => rmSync(path.join(copy, 'losses.safetensors')),
      /losses\.safetensors/,
    ],
    [
      'missing weights',
      (copy) => rmSync(path.join(copy, 'weights.safetensors')),
      /weights\.safetensors/,
    ],
    ['cut weights', (copy) => cut(path.join(copy, 'weights.safetensors')), /weights\.safetensors/],
    ['a cut reference', (copy) => cut(path.join(copy, 'grads.safetensors')), /grads\.safetensors/],
    ['another schema', (copy) => edit(copy, { schema: 'vit-goldens/3' }), /vit-goldens\/2/],
    ['no entries', (copy) => edit(copy, { compare: [] }), /at least one entry/],
    ['an unknown rule', (copy) => edit(copy, { compare: [{ file: 'case.json', ulp: 1 }] }), /ulp/],
    [
      'an unknown key in an entry',
      (copy) => edit(copy, { compare: [{ file: 'case.json', json: 'a', ulps: 1 }] }),
      /ulps/,
    ],
    [
      'a path out of the case',
      (copy) => edit(copy, { compare: [{ file: '../x', json: 'a' }] }),
      /inside the case/,
    ],
    [
      'a broken path',
      (copy) => edit(copy, { compare: [{ file: 'case.json', json: 'a..b' }] }),
      /a path/,
    ],
    [
      'a negative tolerance',
      (copy) => edit(copy, { compare: [{ file: 'case.json', json: 'a', atol: -1 }] }),
      /atol/,
    ],
    [
      'an unknown config key',
      (copy) => edit(copy, { config: { embed_dim: 32, imgsize: 32 } }),
      /imgsize/,
    ],
    [
      'a config value',
      (copy) => edit(copy, { config: { embed_dim: 'wide' } }),
      /embedDim|embed_dim/,
    ],
    ['run sizes', (copy) => edit(copy, { config: { run_sizes: [[0, 2]] } }), /run_sizes/],
  ];
  test.each(breaks)('%s', async (_, damage, message) => {
    const copy = changedCase(small, () => undefined);
    damage(copy);
    const { lines, notes, cases } = await run(copy, path.join(goldens, 'train-step/schedules'));
    expect(notes[0]).toMatch(message);
    expect(notes.join()).not.toMatch(/ {4}at /);
    expect(lines.at(-1)).toBe('1 passed, 1 failed, 0 skipped');
    expect(exitCodeOf(totalsOf(cases))).toBe(2);
  });

  function edit(copy: string, change: object): void {
    const file = path.join(copy, 'case.json');
    writeFileSync(
      file,
      JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), ...change }),
    );
  }
  function cut(file: string): void {
    writeFileSync(file, readFileSync(file).subarray(0, 2000));
  }

  test('an unknown key of the optimizer, the schedule, the averages', async () => {
    for (const key of ['opt', 'sched', 'ema_v3', 'surprise']) {
      const copy = changedCase(path.join(goldens, 'train-step/sgd-nesterov'), ({ config }) => {
        const all = config as Record<string, object>;
        all[key] = { ...all[key], lookahead: 6 };
      });
      const result = await runCase(copy);
      expect([key, result.unreadable]).toEqual([key, true]);
      expect(result.detail).toMatch(key === 'surprise' ? /surprise/ : /lookahead/);
      rmSync(copy, { recursive: true });
    }
  });
});

describe('findCases', () => {
  test('takes a case, a folder above cases, both in one go, each case once, in order', () => {
    const checkpoints = path.join(goldens, 'checkpoints');
    const names = (found: string[]) => found.map((one) => path.basename(one));
    const all = ['bad', 'pth-views-legacy', 'pth-views-zip', 'safetensors-fp16', 'safetensors-metadata']; // prettier-ignore
    expect(names(findCases([checkpoints]))).toEqual(all);
    expect(names(findCases([path.join(checkpoints, 'bad'), checkpoints]))).toEqual(all);
  });

  test('follows links without going in circles', () => {
    mkdirSync(path.join(folder, 'a/b'), { recursive: true });
    symlinkSync('../..', path.join(folder, 'a/b/up'));
    symlinkSync(small, path.join(folder, 'a/linked'));
    symlinkSync('nowhere', path.join(folder, 'a/dangling'));
    expect(findCases([folder]).map((one) => path.basename(one))).toEqual(['linked']);
  });

  test.each([
    ['an empty folder', ''],
    ['no folder', 'none'],
    ['a file', 'file'],
  ])('refuses %s', (_, name) => {
    writeFileSync(path.join(folder, 'file'), '');
    const root = name === '' ? mkdtempSync(path.join(folder, 'empty-')) : path.join(folder, name);
    expect(() => findCases([root])).toThrow(VitError);
    expect(() => findCases([small, root])).toThrow(VitError);
  });
});

test('the JSON report has every entry and no bare infinity', async () => {
  const copy = changedCase(small, () => undefined);
  changeTensor(path.join(copy, 'losses.safetensors'), 'ce', (values) => (values[0] = NaN));
  const report = JSON.parse(formatJson('cpu', [await runCase(copy)])) as {
    totals: object;
    cases: { entries: { name: string; maxAbs: unknown; verdict: string }[] }[];
  };
  expect(report.totals).toEqual({ passed: 0, failed: 1, skipped: 0, unreadable: 0 });
  const ce = report.cases[0]!.entries.find(({ name }) => name === 'losses.safetensors:ce');
  expect(ce).toMatchObject({ maxAbs: 'inf', verdict: 'FAIL' });
});
