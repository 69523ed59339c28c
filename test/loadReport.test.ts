// The report of a loading: the outcome of every tensor, and warnings where a model computes otherwise than its checkpoint.

import '@tensorflow/tfjs-backend-cpu';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { hostTensor, type HostTensor } from '../lib/checkpoints/hostTensor.ts';
import { modelTensors } from '../lib/checkpoints/modelState.ts';
import { formatSafetensors } from '../lib/checkpoints/safetensors.ts';
import { outcomeSummary, outcomeTable } from '../lib/checkpoints/tensorReport.ts';
import { buildLoaded, type ModelLoadReport } from '../lib/models/buildLoaded.ts';
import { buildModel } from '../lib/models/createModel.ts';
import { fineTune, fineTuneConfig, fineTuneLines } from '../lib/models/fineTune.ts';
import { loadModel } from '../lib/models/loadModel.ts';
import { loadWarnings, normalizeWarnings } from '../lib/models/loadWarnings.ts';
import { vit } from './support/cli.ts';
import { temporaryFolder } from './support/failingDisk.ts';

const small = { imageSize: 16, patchSize: 8, embedDim: 12, depth: 1, numHeads: 2, numClasses: 5 };
const place = temporaryFolder();
let own: Map<string, HostTensor>;

beforeAll(async () => {
  await tf.setBackend('cpu');
  const model = buildModel(small);
  own = modelTensors(model);
  model.dispose();
});

const rowsOf = (report: Pick<ModelLoadReport, 'tensors'>, outcome: string) =>
  report.tensors.filter((row) => row.outcome === outcome);

test('every tensor has one of five outcomes, with shapes', () => {
  const given = new Map([...own].map(([name, tensor]) => [`module.${name}`, tensor]));
  given.set('module.mask_token', hostTensor([1], Float32Array.of(0)));
  given.delete('module.head.weight');
  const config = { ...small, imageSize: 32, patchSize: 4 };
  const { model, report } = buildLoaded(config, given, { allow: ['head.*'] });
  expect(rowsOf(report, 'loaded')).toEqual([]);
  expect(rowsOf(report, 'resampled')).toEqual([
    { name: 'pos_embed', outcome: 'resampled', from: [1, 5, 12], to: [1, 65, 12] },
    { name: 'patch_embed.proj.weight', outcome: 'resampled', from: [12, 3, 8, 8], to: [12, 3, 4, 4] },
  ]); // prettier-ignore
  expect(rowsOf(report, 'dropped')).toEqual([
    { name: 'mask_token', outcome: 'dropped', detail: 'no part of the model' },
  ]);
  expect(rowsOf(report, 'missing')).toEqual([
    { name: 'head.weight', outcome: 'missing', to: [5, 12] },
  ]);
  expect(rowsOf(report, 'converted')[0]).toEqual({ name: 'cls_token', outcome: 'converted', from: [1, 1, 12], to: [1, 1, 12], detail: 'was module.cls_token' }); // prettier-ignore
  expect(report.tensors.filter(({ outcome }) => outcome !== 'dropped').length).toBe(own.size);
  model.dispose();
});

test('a tensor as it is, one in half precision, one of another shape, one that nobody knows', () => {
  const given = new Map(own);
  const { shape } = own.get('norm.weight')!;
  given.set('norm.weight', { dtype: 'F16', shape, data: new Uint16Array(12).fill(0x3c00) });
  given.set('norm.bias', hostTensor([3], new Float32Array(3)));
  given.set('strange', hostTensor([2], new Float32Array(2)));
  const { model, report } = buildLoaded(small, given, { strict: false });
  expect(rowsOf(report, 'converted')).toEqual([
    { name: 'norm.weight', outcome: 'converted', from: [12], to: [12], detail: 'F16 to F32' },
  ]);
  expect(rowsOf(report, 'dropped')).toEqual([
    { name: 'norm.bias', outcome: 'dropped', from: [3], to: [12], detail: 'another shape' },
    { name: 'strange', outcome: 'dropped', from: [2], detail: 'the model has no such parameter' },
  ]);
  expect(rowsOf(report, 'missing')).toEqual([{ name: 'norm.bias', outcome: 'missing', to: [12] }]);
  expect(outcomeSummary(report.tensors)).toBe(`Tensors: ${own.size - 2} loaded, 1 converted, 2 dropped, 1 missing.`); // prettier-ignore
  const [head, first] = outcomeTable(report.tensors);
  expect(head).toMatch(/^outcome +tensor +from +to$/);
  expect(first).toMatch(/^loaded +cls_token$/);
  model.dispose();
});

test('loadModel gives the report, and warns of another ε, activation, norm and number of classes', async () => {
  const stored = { ...small, numClasses: 5, normEps: 1e-5, activation: 'quick_gelu' };
  const bytes = formatSafetensors(own, { config: JSON.stringify(stored) });
  const reports: ModelLoadReport[] = [];
  const told: string[] = [];
  const config = { ...small, normEps: 1e-6 };
  const model = await loadModel(bytes, {
    config,
    onReport: (report) => reports.push(report),
    onAdapt: (text) => told.push(text),
  });
  expect(reports[0]!.warnings).toEqual([
    'The checkpoint\'s ε of its norms is 0.00001, the model\'s 0.000001: its results will differ.',
    'The checkpoint\'s activation is "quick_gelu", the model\'s "gelu": its results will differ.',
  ]); // prettier-ignore
  expect(told).toEqual(reports[0]!.warnings);
  expect(outcomeSummary(reports[0]!.tensors)).toBe(`Tensors: ${own.size} loaded.`);
  expect(loadWarnings(model.config, { tensors: own, stored: { ...small, numClasses: 7 } })).toEqual(
    [expect.stringMatching(/number of classes is 7, the model's 5: a head of another size/)],
  );
  expect(loadWarnings(model.config, { tensors: own, stored: small })).toEqual([]);
  model.dispose();
});

test('weights of OpenAI’s CLIP under GELU are known by their files and by timm’s tag', () => {
  const config = { activation: 'gelu' };
  const counted = new Map(own).set('input_resolution', hostTensor([], Float32Array.of(224)));
  const told = [expect.stringMatching(/activation is "quick_gelu", the model's "gelu"/)];
  expect(loadWarnings(config, { tensors: counted })).toEqual(told);
  const record = { architecture: 'vit_base_patch16_clip_224', pretrained_cfg: { tag: 'openai' } };
  expect(loadWarnings(config, { tensors: own, record })).toEqual(told);
  const other = { ...record, pretrained_cfg: { tag: 'laion2b' } };
  expect(loadWarnings(config, { tensors: own, record: other })).toEqual([]);
  expect(loadWarnings({ activation: 'quick_gelu' }, { tensors: counted })).toEqual([]);
});

test('images of another mean or deviation are warned about', () => {
  const normalize = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
  const record = { preprocessing: { normalize } };
  expect(normalizeWarnings(record, normalize)).toEqual([]);
  expect(normalizeWarnings(undefined, normalize)).toEqual([]);
  expect(normalizeWarnings(record, { ...normalize, std: [1, 1, 1] })).toEqual([
    expect.stringMatching(/mean \[0\.5, 0\.5, 0\.5\] and deviation \[0\.5, 0\.5, 0\.5\], these .* deviation \[1, 1, 1\]/),
  ]); // prettier-ignore
  const hub = { architecture: 'test_vit', pretrained_cfg: { mean: [0, 0, 0], std: [1, 1, 1] } };
  expect(normalizeWarnings(hub, normalize).length).toBe(1);
});

test('a fine-tuning reports the old head as dropped and the new one as missing', () => {
  const config = fineTuneConfig({ ...small, activation: 'quick_gelu' }, { activation: 'gelu' }, { numClasses: 3 }); // prettier-ignore
  const { model, report } = fineTune(config, {
    tensors: own,
    source: { ...small, activation: 'quick_gelu' },
  });
  expect(rowsOf(report as ModelLoadReport & typeof report, 'missing').map(({ name }) => name)).toEqual(['head.weight', 'head.bias']); // prettier-ignore
  expect(report.notes).toEqual([expect.stringMatching(/activation/)]);
  const lines = fineTuneLines('x', report, { table: true });
  expect(lines.at(-1)).toBe(`Tensors: ${own.size - 2} loaded, 2 dropped, 2 missing.`);
  expect(lines.filter((line) => /^dropped +head\./.test(line)).length).toBe(2);
  model.dispose();
});

describe('--load-report', () => {
  const write = () => {
    const folder = path.join(place(), 'run');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'model.safetensors'), formatSafetensors(own));
    writeFileSync(path.join(folder, 'config.json'), JSON.stringify({ ...small, imageSize: 32 }));
    return folder;
  };

  test('of inspect and convert: a table; without it convert has a summary', async () => {
    const folder = write();
    const { out, code } = await vit('inspect', folder, '--load-report');
    expect(code).toBe(0);
    expect(out).toMatch(/resampled +pos_embed +\[1, 5, 12\] +\[1, 17, 12\]/);
    expect(out).toMatch(new RegExp(`Tensors: ${own.size - 1} loaded, 1 resampled\\.`));
    const json = await vit('inspect', folder, '--load-report', '--json');
    const { load } = JSON.parse(json.out) as { load: { name: string; outcome: string }[] };
    expect(load.find(({ name }) => name === 'pos_embed')!.outcome).toBe('resampled');
    const to = ['--to', 'pth', '--output', path.join(place(), 'x.pth')];
    const plain = await vit('convert', folder, ...to);
    expect(plain.error).toMatch(/Tensors: \d+ loaded, 1 resampled\./);
    expect(plain.error).not.toMatch(/loaded +cls_token/);
  });

  test('of a file that names no model is one clear line', async () => {
    const file = path.join(place(), 'bare.safetensors');
    writeFileSync(file, formatSafetensors(own));
    const { error, code } = await vit('inspect', file, '--load-report');
    expect(code).toBe(2);
    expect(error).toMatch(/Name its model: --model/);
  });
});
