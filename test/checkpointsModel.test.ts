import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs';
import { nonFiniteNames } from '../lib/checkpoints/nonFinite.ts';
import { CheckpointError } from '../lib/core/errors.ts';
import { Module } from '../lib/core/module.ts';
import { hostTensor } from '../lib/checkpoints/hostTensor.ts';
import {
  downloadModelTensors,
  loadModelTensors,
  modelTensors,
} from '../lib/checkpoints/modelState.ts';
import { formatSafetensors, parseSafetensors } from '../lib/checkpoints/safetensors.ts';
import type { HostTensor } from '../lib/checkpoints/hostTensor.ts';
import type { LoadReport } from '../lib/checkpoints/modelState.ts';

class Layer extends Module {
  readonly weight = this.parameter('weight', tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]));
  readonly bias = this.parameter('bias', tf.tensor1d([7, 8]));
}
class Model extends Module {
  readonly scale = this.parameter('scale', tf.scalar(0.1));
  readonly head = this.child('head', new Layer());
}

beforeAll(() => tf.setBackend('cpu'));

let model: Model;
let before: number;
beforeEach(() => {
  model = new Model();
  before = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(before);
  model.dispose();
});

const valuesOf = (): number[][] =>
  [...modelTensors(model).values()].map(({ data }) => [...(data as Float32Array)]);
const changed = (entries: [string, HostTensor | undefined][]): Map<string, HostTensor> => {
  const tensors = modelTensors(model);
  for (const [name, tensor] of entries) {
    if (tensor === undefined) tensors.delete(name);
    else tensors.set(name, tensor);
  }
  return tensors;
};

function refusal(tensors: Map<string, HostTensor>): { message: string; report: LoadReport } {
  try {
    loadModelTensors(model, tensors);
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    return { message: error.message, report: error.cause as LoadReport };
  }
  throw new Error('accepted');
}

test('a model through a file and back is the same, bit for bit', async () => {
  const file = formatSafetensors(modelTensors(model));
  expect([...parseSafetensors(file).tensors.keys()]).toEqual(['scale', 'head.weight', 'head.bias']);
  const other = new Model();
  tf.tidy(() => other.head.weight.assign(tf.zeros([2, 3])));
  const report = loadModelTensors(other, parseSafetensors(file).tensors);
  expect(report).toEqual({
    loaded: ['scale', 'head.weight', 'head.bias'],
    missing: [],
    unexpected: [],
    wrongShape: [],
    wrongDtype: [],
    nonFinite: [],
  });
  expect(formatSafetensors(modelTensors(other))).toEqual(file);
  expect(formatSafetensors(await downloadModelTensors(other))).toEqual(file);
  other.dispose();
});

test('the tensors are copies', () => {
  const tensors = modelTensors(model);
  (tensors.get('scale')!.data as Float32Array)[0] = 5;
  expect(valuesOf()[0]).toEqual([Math.fround(0.1)]);
});

test('strict loading names every difference and changes nothing', () => {
  const values = valuesOf();
  const one = hostTensor([1], Float32Array.of(1));
  const tensors = changed([
    ['scale', undefined],
    ['blocks.99.norm1.weight', one],
    ['head.weight', hostTensor([3, 2], new Float32Array(6))],
    ['head.bias', hostTensor([2], Float32Array.of(0, 0))],
  ]);
  const { message, report } = refusal(tensors);
  expect(message).toMatch(/missing scale/);
  expect(message).toMatch(/unexpected blocks\.99\.norm1\.weight/);
  expect(message).toMatch(/head\.weight is \[3, 2\], not \[2, 3\]/);
  expect(report).toEqual({
    loaded: ['head.bias'],
    missing: ['scale'],
    unexpected: ['blocks.99.norm1.weight'],
    wrongShape: [{ name: 'head.weight', expected: [2, 3], received: [3, 2] }],
    wrongDtype: [],
    nonFinite: [],
  });
  expect(valuesOf()).toEqual(values);
});

test('a hundred differences are counted', () => {
  const one = hostTensor([1], Float32Array.of(1));
  const more = Array.from({ length: 100 }, (_, i): [string, HostTensor] => [`x${i}`, one]);
  expect(refusal(changed(more)).message).toMatch(/and 97 more/);
});

test('loading that is not strict takes the tensors that fit, leaves the others and reports them', () => {
  const tensors = changed([
    ['head.weight', undefined],
    ['scale', { dtype: 'BF16', shape: [], data: Uint16Array.of(0x4000) }],
  ]);
  const report = loadModelTensors(model, tensors, { strict: false });
  expect(report.missing).toEqual(['head.weight']);
  expect(valuesOf()).toEqual([[2], [1, 2, 3, 4, 5, 6], [7, 8]]);
});

test('a weight of a dtype without values is refused by name and dtype, or reported when not strict', () => {
  const bias: HostTensor = { dtype: 'F8_E4M3', shape: [2], data: Uint8Array.of(0x38, 0x7f) };
  const tensors = changed([['head.bias', bias]]);
  const { message, report } = refusal(tensors);
  expect(message).toMatch(/head\.bias is F8_E4M3, which has no value in float32/);
  expect(report.wrongDtype).toEqual([{ name: 'head.bias', dtype: 'F8_E4M3' }]);
  const values = valuesOf();
  const loose = loadModelTensors(model, tensors, { strict: false });
  expect([loose.wrongDtype, loose.loaded]).toEqual([report.wrongDtype, ['scale', 'head.weight']]);
  expect(valuesOf()).toEqual(values);
});

test('a file with tensors of any dtype serves the weights in it', () => {
  const extra: [string, HostTensor][] = [
    ['steps', { dtype: 'U64', shape: [], data: BigUint64Array.of(2n ** 64n - 1n) }],
    ['scales', { dtype: 'F8_E8M0', shape: [4], data: Uint8Array.of(1, 2, 3, 4) }],
    ['packed', { dtype: 'F4', shape: [2, 3], data: Uint8Array.of(1, 2, 3) }],
  ];
  const bias: HostTensor = { dtype: 'U16', shape: [2], data: Uint16Array.of(7, 65535) };
  const file = formatSafetensors(changed([...extra, ['head.bias', bias]]));
  const { tensors } = parseSafetensors(file);
  const report = loadModelTensors(model, tensors, { strict: false });
  expect(report.unexpected).toEqual(['steps', 'scales', 'packed']);
  expect(report.wrongDtype).toEqual([]);
  expect(valuesOf()[2]).toEqual([7, 65535]);
});

test.each<[string, HostTensor]>([
  ['F64', { dtype: 'F64', shape: [2], data: Float64Array.of(1, NaN) }],
  ['F32', hostTensor([2], Float32Array.of(-Infinity, 1))],
  ['F16', { dtype: 'F16', shape: [2], data: Uint16Array.of(0, 0xfc00) }],
  ['BF16', { dtype: 'BF16', shape: [2], data: Uint16Array.of(0x7fc1, 0) }],
  ['F64 past float32', { dtype: 'F64', shape: [2], data: Float64Array.of(1e300, 0) }],
])('a NaN or an infinity in %s is refused, or loaded and reported when allowed', (_, bias) => {
  const tensors = changed([['head.bias', bias]]);
  expect(nonFiniteNames(tensors)).toEqual(['head.bias']);
  const { message, report } = refusal(tensors);
  expect(message).toMatch(/NaN or infinity in head\.bias/);
  expect(report.nonFinite).toEqual(['head.bias']);
  const allowed = loadModelTensors(model, tensors, { allowNonFinite: true });
  expect(allowed.nonFinite).toEqual(['head.bias']);
  expect(valuesOf()[2]!.every(Number.isFinite)).toBe(false);
});

test('the largest finite halves are finite', () => {
  const tensors = new Map<string, HostTensor>([
    ['a', { dtype: 'F16', shape: [2], data: Uint16Array.of(0x7bff, 0x83ff) }],
    ['b', { dtype: 'BF16', shape: [1], data: Uint16Array.of(0x7f7f) }],
    ['c', { dtype: 'I32', shape: [1], data: Int32Array.of(-1) }],
  ]);
  expect(nonFiniteNames(tensors)).toEqual([]);
});
