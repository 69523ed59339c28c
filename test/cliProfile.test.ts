import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { vit, writeExperiment } from './support/cli.ts';
import { expectNested, type TraceEvent } from './support/traceEvents.ts';

jest.setTimeout(60_000);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'profile-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const inFolder = (name: string) => path.join(folder, name);

interface Report {
  work: string;
  steps: number;
  imagesPerStep: number;
  msPerStep: number;
  imagesPerSecond: number;
  phases: { phase: string; ms: number; share: number }[];
  kernels: { kernel: string; calls: number; selfMs: number; share: number; flops: number | null }[];
  outside: { ms: number; share: number };
}
const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);

test('an experiment in training: tables, a trace, JSON and bars', async () => {
  const config = writeExperiment(inFolder('experiment.json'), {
    clip: { mode: 'norm', value: 1 },
    ema: { decay: 0.9 },
    accumulationSteps: 2,
  });
  const [trace, json, chart] = ['deeper/trace.json', 'profile.json', 'profile.png'].map(
    inFolder,
  ) as [string, string, string];
  const words = [
    '--config',
    config,
    '--backend',
    'cpu',
    '--batch',
    '4',
    '--steps',
    '3',
    '--top',
    '4',
  ];
  const files = ['--trace', trace, '--json', json, '--chart', chart];
  const { code, out, error } = await vit('profile', ...words, ...files);
  expect([code, error]).toEqual([0, expect.stringContaining(`Wrote ${path.resolve(chart)}`)]);

  const report = JSON.parse(readFileSync(json, 'utf8')) as Report;
  expect(report).toMatchObject({
    work: 'tiny, training in fp32, batch 2 × 4',
    steps: 3,
    imagesPerStep: 8,
  });
  expect(sum(report.kernels.map(({ share }) => share)) + report.outside.share).toBeCloseTo(1, 9);
  expect(sum(report.kernels.map(({ selfMs }) => selfMs)) + report.outside.ms).toBeCloseTo(
    report.msPerStep,
    6,
  );
  expect(report.phases.map(({ phase }) => phase)).toEqual([
    'data',
    'forward',
    'backward',
    'optimizer',
    'other',
  ]);
  expect(sum(report.phases.map(({ share }) => share))).toBeCloseTo(1, 9);
  const calls = (name: string) => report.kernels.find(({ kernel }) => kernel === name)!.calls;
  expect([calls('VitAdamW'), calls('VitEma'), calls('VitSoftmaxCrossEntropy')]).toEqual([1, 1, 2]);

  const { traceEvents } = JSON.parse(readFileSync(trace, 'utf8')) as { traceEvents: TraceEvent[] };
  expectNested(traceEvents);
  expect(traceEvents.filter(({ cat }) => cat === 'step')).toHaveLength(3);
  expect(readFileSync(chart).toString('latin1', 1, 4)).toBe('PNG');

  const lines = out.split('\n');
  expect(lines[0]).toMatch(
    /^tiny, training in fp32, batch 2 × 4 on cpu: .* ms a step \(mean of 3 steps\)/,
  );
  expect(lines.at(-1)).toMatch(/^all .* 100\.0 %/);
  const table = lines.slice(lines.findIndex((line) => line.startsWith('kernel')));
  // Header, ruler, four kernels, the others, ruler, outside, all.
  expect(table).toHaveLength(10);
  expect(table[6]).toMatch(/^\d+ others /);
});

test('a named size in inference', async () => {
  const json = inFolder('profile.json');
  const words = ['--model', 'test_vit', '--mode', 'infer', '--batch', '1', '--steps', '1'];
  const { code, out } = await vit('profile', ...words, '--backend', 'wasm', '--json', json);
  expect(code).toBe(0);
  expect(out).toMatch(/^test_vit, inference in fp32, batch 1 on wasm: .* \(mean of 1 step\)/);
  const report = JSON.parse(readFileSync(json, 'utf8')) as Report;
  expect(report.phases.map(({ phase }) => phase)).toEqual(['data', 'forward', 'other']);
  expect(report.kernels.find(({ kernel }) => kernel === 'VitQkvAttention')!.calls).toBe(6);
});

test.each(['train', 'infer'])('bf16 reaches every product, in %s', async (mode) => {
  const config = writeExperiment(inFolder('experiment.json'), { precision: 'bf16' });
  const json = inFolder('profile.json');
  const kernels = async (...more: string[]): Promise<string[]> => {
    const words = ['--config', config, '--mode', mode, '--batch', '2', '--steps', '1'];
    const { code } = await vit('profile', ...words, '--backend', 'cpu', '--json', json, ...more);
    expect(code).toBe(0);
    const report = JSON.parse(readFileSync(json, 'utf8')) as Report;
    return report.kernels.map(({ kernel }) => kernel);
  };
  expect(await kernels()).toContain('VitRoundBf16');
  // The flag wins over the config.
  expect(await kernels('--precision', 'fp32')).not.toContain('VitRoundBf16');
});

describe('bad input is one line and exit code 2', () => {
  test.each<[string, () => string[], RegExp]>([
    ['a misspelt flag', () => ['--trase', 'a.json'], /Did you mean --trace\?/],
    ['a misspelt mode', () => ['--mode', 'trian'], /Did you mean train\?/],
    ['no steps', () => ['--steps', '0'], /an integer ≥ 1 .* for --steps/],
    [
      'a model and a config',
      () => ['--model', 'vit_tiny_patch16_224', '--config', 'a.ts'],
      /Give one/,
    ],
    [
      'an unknown size',
      () => ['--model', 'vit_tyni_patch16_224'],
      /Did you mean vit_tiny_patch16_224/,
    ],
    ['no such config', () => ['--config', inFolder('none.ts')], /none\.ts/],
    ['a config that is no experiment', () => ['--config', put('a.json', '{"name":"a"}')], /data/],
    [
      'a batch larger than the data',
      () => ['--config', experiment(), '--batch', '60001'],
      /batchSize/,
    ],
    [
      'a file in the place of a folder',
      () => ['--trace', path.join(put('file', 'x'), 'trace.json')],
      /file/,
    ],
    ['a folder in the place of a file', () => ['--json', folder], /the name of a file/],
  ])('%s', async (_name, words, message) => {
    const { code, out, error } = await vit('profile', '--backend', 'cpu', ...words());
    const lines = error.split('\n').filter((line) => !line.startsWith('Backend '));
    expect([code, out, lines.length]).toEqual([2, '', 1]);
    expect(lines[0]).toMatch(message);
    expect(existsSync(inFolder('trace.json'))).toBe(false);
  });
});

function put(name: string, content: string): string {
  writeFileSync(inFolder(name), content);
  return inFolder(name);
}

function experiment(): string {
  return writeExperiment(inFolder('experiment.json'));
}
