import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { selectBackend } from '../lib/backends/select.ts';
import { formatSafetensors, parseSafetensors } from '../lib/checkpoints/safetensors.ts';
import { exitCodeOf, formatEntry, formatJson, totalsOf } from '../lib/parity/report.ts';
import { compareRelativeL2, normsOf, combineNorms } from '../lib/parity/relativeL2.ts';
import { runCase, runParity } from '../lib/parity/run.ts';
import type { EntryResult } from '../lib/parity/report.ts';

const goldens = path.resolve(import.meta.dirname, 'goldens');
const small = path.join(goldens, 'vit-timm/dinov2-like');
const steps = path.join(goldens, 'train-step/sgd-nesterov');
jest.setTimeout(60_000);

let folder: string;
// The fastest backend that is available; .ci/run compares on each.
beforeAll(async () => void (await selectBackend()));
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'parity-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const keyOf = ({ entry }: EntryResult): string =>
  formatEntry('', { entry, verdict: 'ok' }).split('\t')[1]!;

/** A copy of a case with the tensors of one file changed. */
function changed(source: string, file: string, change: (name: string, data: Float32Array) => void) {
  const copy = path.join(folder, path.basename(source));
  cpSync(source, copy, { recursive: true });
  const place = path.join(copy, file);
  const { tensors } = parseSafetensors(new Uint8Array(readFileSync(place)));
  for (const [name, tensor] of tensors) {
    const data = Float32Array.from(tensor.data as Float32Array);
    change(name, data);
    tensors.set(name, { ...tensor, data });
  }
  writeFileSync(place, formatSafetensors(tensors));
  return copy;
}

const failures = (entries: readonly EntryResult[]) =>
  entries.filter(({ verdict }) => verdict === 'FAIL').map(keyOf);
const scale = (factor: number, only?: string) => (name: string, data: Float32Array) => {
  if (only === undefined || name === only) data.forEach((value, i) => (data[i] = value * factor));
};

describe('the stored cases in bf16', () => {
  test('agree with the references by relative L2 norms', async () => {
    const lines: string[] = [];
    const output = { line: (text: string) => lines.push(text), note: () => undefined };
    // The families that compute on a backend.
    const families = ['checkpoints', 'explain/rollouts', 'hugging-face', 'train-step', 'vit-timm'];
    const folders = families.map((name) => path.join(goldens, name));
    const cases = await runParity(folders, output, { precision: 'bf16' });
    expect(lines.filter((line) => line.endsWith('FAIL'))).toEqual([]);
    expect(exitCodeOf(totalsOf(cases))).toBe(0);
    const rows = lines.slice(0, -1).map((line) => line.split('\t'));
    expect(rows.every((row) => row.length === 7)).toBe(true);
    const limits = (family: string, entry: string) => {
      const compared = rows.filter((row) => row[0]!.startsWith(family) && row[6] !== 'skip');
      return new Set(compared.filter((row) => row[1]!.startsWith(entry)).map((row) => row[5]));
    };
    expect(limits('vit-timm', 'outputs.safetensors')).toEqual(new Set(['3e-2']));
    expect(limits('vit-timm', 'grads.safetensors')).toEqual(new Set(['8e-2', '4e-2']));
    expect(limits('train-step', 'log.json:steps[*].loss')).toEqual(new Set(['2e-2']));
    expect(limits('train-step', 'log.json:steps[*].lr_per_group')).toEqual(new Set(['1e-9']));
    const logits = rows.find(
      ([name, key]) => name === 'vit-timm/dinov2-like' && key!.endsWith(':logits'),
    )!;
    // Operands are rounded; otherwise the norm would be that of float32, 1e-6.
    expect(Number(logits[3])).toBeGreaterThan(1e-4);
    const report = JSON.parse(formatJson('cpu', cases, 'bf16')) as {
      precision: string;
      cases: { name: string; entries: { name: string; relativeL2: number; limit: number }[] }[];
    };
    expect(report.precision).toBe('bf16');
    const reported = report.cases
      .find(({ name }) => name === 'vit-timm/dinov2-like')!
      .entries.find(({ name }) => name.endsWith(':all gradients'));
    expect(reported).toMatchObject({ limit: 0.04 });
    expect(reported!.relativeL2).toBeGreaterThan(1e-4);
  });
});

describe('a difference fails in bf16', () => {
  test('an output off by 5 % of its norm, and nothing else', async () => {
    const copy = changed(small, 'outputs.safetensors', scale(1.05, 'logits'));
    const { entries } = await runCase(copy, 'bf16');
    expect(failures(entries)).toEqual(['outputs.safetensors:logits']);
  });

  test('one gradient off by 15 %', async () => {
    const copy = changed(small, 'grads.safetensors', scale(1.15, 'head.bias'));
    const { entries } = await runCase(copy, 'bf16');
    expect(failures(entries)).toEqual(['grads.safetensors:head.bias']);
  });

  test('every gradient off by 6 %, which none shows alone', async () => {
    const copy = changed(small, 'grads.safetensors', scale(1.06));
    const { entries } = await runCase(copy, 'bf16');
    expect(failures(entries)).toEqual(['grads.safetensors:all gradients']);
  });

  test('a loss off by 4 %, a rate by 1e-6', async () => {
    const copy = path.join(folder, 'steps');
    cpSync(steps, copy, { recursive: true });
    const file = path.join(copy, 'log.json');
    const log = JSON.parse(readFileSync(file, 'utf8')) as {
      steps: { loss: number; lr_per_group: number[] }[];
    };
    log.steps[2]!.loss *= 1.04;
    log.steps[1]!.lr_per_group[0]! *= 1 + 1e-6;
    writeFileSync(file, JSON.stringify(log));
    const { entries } = await runCase(copy, 'bf16');
    expect(failures(entries)).toEqual(['log.json:steps[*].loss', 'log.json:steps[*].lr_per_group']);
  });

  test('a gradient that is zero up to rounding is left out by name, and one that is not produced fails', async () => {
    const file = 'grads.safetensors';
    const inert = changed(small, file, scale(1e-12, 'blocks.0.norm1.bias'));
    const { entries, verdict } = await runCase(inert, 'bf16');
    const left = entries.filter((one) => one.verdict === 'skip');
    expect(left.map(({ detail }) => detail)).toEqual([
      'inert: the reference gradient of blocks.0.norm1.bias is zero up to rounding',
    ]);
    expect(verdict).toBe('ok');
    rmSync(inert, { recursive: true });
    const copy = changed(small, file, () => undefined);
    const place = path.join(copy, file);
    const { tensors } = parseSafetensors(new Uint8Array(readFileSync(place)));
    tensors.set('of.nobody', tensors.get('head.bias')!);
    writeFileSync(place, formatSafetensors(tensors));
    const golden = JSON.parse(readFileSync(path.join(copy, 'case.json'), 'utf8')) as {
      compare: object[];
    };
    golden.compare.push({ file, tensor: 'of.nobody', atol: 1, rtol: 1 });
    writeFileSync(path.join(copy, 'case.json'), JSON.stringify(golden));
    expect(failures((await runCase(copy, 'bf16')).entries)).toEqual([`${file}:of.nobody`]);
  });
});

describe('norms', () => {
  const vector = (...values: number[]) => ({ shape: [values.length], data: values });

  test('count all elements except those left out', () => {
    const norms = normsOf(vector(1, 5, 0), vector(1, 3, 4), [{ axis: 0, from: 2, to: 3 }]);
    expect(norms).toEqual({ difference: 2, reference: Math.sqrt(10), maxAbs: 2 });
    const both = combineNorms([
      norms as never,
      { difference: 1.5, reference: Math.sqrt(6), maxAbs: 1 },
    ]);
    expect(both).toEqual({ difference: 2.5, reference: 4, maxAbs: 2 });
    expect(compareRelativeL2(both, 0.625)).toMatchObject({
      ok: true,
      relativeL2: 0.625,
      limit: 0.625,
    });
    expect(compareRelativeL2(both, 0.6).ok).toBe(false);
  });

  test('another shape, NaN, and a value where the reference is zero fail', () => {
    expect(normsOf(vector(1), vector(1, 2), [])).toMatchObject({ ok: false });
    expect(normsOf(vector(NaN, 1), vector(1, 1), [])).toMatchObject({ ok: false });
    expect(normsOf(vector(Infinity), vector(Infinity), [])).toMatchObject({ difference: 0 });
    const nothing = { difference: 0, reference: 0, maxAbs: 0 };
    expect(compareRelativeL2(nothing, 0.01).ok).toBe(true);
    expect(compareRelativeL2({ ...nothing, difference: 1e-9 }, 0.01).ok).toBe(false);
  });
});
