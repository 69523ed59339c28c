// The commands inspect, convert and average: what they say and write, and that they load neither TensorFlow.js nor sharp.

import '@tensorflow/tfjs-backend-cpu';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { hostTensor, toFloat32, type HostTensor } from '../lib/checkpoints/hostTensor.ts';
import { averageTensors } from '../lib/checkpoints/averageTensors.ts';
import { modelTensors } from '../lib/checkpoints/modelState.ts';
import { readTensors } from '../lib/checkpoints/readTensors.ts';
import { formatSafetensors } from '../lib/checkpoints/safetensors.ts';
import { buildModel } from '../lib/models/createModel.ts';
import { loadModel } from '../lib/node.ts';
import { importLines } from './support/architecture.ts';
import { vit } from './support/cli.ts';
import { temporaryFolder } from './support/failingDisk.ts';
import { evaluateOnnx } from './support/onnxEvaluate.ts';
import { readOnnx } from './support/onnxFile.ts';

jest.setTimeout(120_000);
const place = temporaryFolder();
const root = path.resolve(import.meta.dirname, '..');
const odd = path.join(import.meta.dirname, 'goldens/odd-checkpoints');
const small = { imageSize: 16, patchSize: 8, embedDim: 12, depth: 2, numHeads: 2, numClasses: 5 };
const preprocessing = { decode: 'pil', cropMode: 'center', interpolation: 'bicubic', size: [16, 16], cropPct: 0.8, normalize: { mean: [0.5, 0.4, 0.3], std: [0.2, 0.2, 0.2] } }; // prettier-ignore
let tensors: Map<string, HostTensor>;
let run: string;

beforeAll(async () => {
  await tf.setBackend('cpu');
  const model = buildModel(small);
  tensors = modelTensors(model);
  model.dispose();
});
beforeEach(() => {
  run = path.join(place(), 'run');
  mkdirSync(run);
  writeFileSync(path.join(run, 'model.safetensors'), formatSafetensors(tensors));
  const record = { model: small, preprocessing, classNames: ['a', 'b', 'c', 'd', 'e'] };
  writeFileSync(path.join(run, 'config.json'), JSON.stringify(record));
});

const out = (name: string) => path.join(place(), name);
const read = async (file: string) =>
  (await readTensors(new Uint8Array(readFileSync(file)))).tensors;
const config = (folder: string) =>
  JSON.parse(readFileSync(path.join(folder, 'config.json'), 'utf8')) as Record<string, unknown>;

describe('inspect', () => {
  test('a model, a pickle with names, the tensors, JSON', async () => {
    const plain = await vit('inspect', run);
    expect(plain.code).toBe(0);
    expect(plain.out).toMatch(/safetensors.*\n.*\n.*32 \(32 F32\)/);
    expect(plain.out).toMatch(
      /Vision Transformer, width 12, depth 2, patches of 8 × 8, images of 16 × 16 × 3, 5 classes/,
    );
    const deit = await vit('inspect', path.join(odd, 'deit.pth'), '--tensors');
    expect(deit.out).toMatch(/pytorch/);
    expect(deit.out).toMatch(/its model is vit_tiny_patch16_224/);
    expect(deit.out).toMatch(/argparse\.Namespace.*nothing of it was run/);
    expect(deit.out).toMatch(/fc\.weight +F32 +\[2, 3\]/);
    const { out: json } = await vit('inspect', run, '--json');
    expect(JSON.parse(json)).toMatchObject({ format: 'safetensors', dtypes: { F32: 32 }, model: { embedDim: 12 }, suspicious: [] }); // prettier-ignore
  });

  test('what is suspicious, and a hostile file', async () => {
    const bad = new Map(tensors);
    bad.set('head.weight', hostTensor([5, 12], new Float32Array(60)));
    bad.set('norm.bias', hostTensor([12], new Float32Array(12).fill(NaN)));
    writeFileSync(out('bad.safetensors'), formatSafetensors(bad));
    const { out: text } = await vit('inspect', out('bad.safetensors'));
    expect(text).toMatch(/suspicious +NaN or infinity in 1 tensors: norm\.bias/);
    expect(text).toMatch(/suspicious +All zero: head\.weight/);
    const hostile = path.join(
      import.meta.dirname,
      'goldens/checkpoints/bad/pickle-getattr-chain.pth',
    );
    const refused = await vit('inspect', hostile);
    expect([refused.code, refused.error]).toEqual([
      2,
      expect.stringMatching(/Nothing of it was run/),
    ]);
  });
});

test('a long file that is no checkpoint is refused by its beginning, and not read', async () => {
  const size = 2 ** 31 + 5;
  writeFileSync(out('zeros.pth'), '');
  truncateSync(out('zeros.pth'), size);
  const before = process.memoryUsage().arrayBuffers;
  const { code, error } = await vit('inspect', out('zeros.pth'));
  expect([code, error]).toEqual([2, expect.stringMatching(/received 2147483653 bytes that begin with 00 00/)]); // prettier-ignore
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 ** 24);
});

describe('convert', () => {
  test('to .pth and back, to the bit', async () => {
    const pth = await vit('convert', run, '--to', 'pth', '--output', out('m.pth'));
    expect([pth.code, pth.out]).toEqual([0, expect.stringMatching(/32 tensors/)]);
    expect(await read(out('m.pth'))).toEqual(tensors);
    writeFileSync(out('config.json'), JSON.stringify(small));
    const back = await vit(
      'convert',
      out('m.pth'),
      '--to',
      'safetensors',
      '--output',
      out('m.safetensors'),
    );
    expect(back.code).toBe(0);
    const loaded = await loadModel(out('m.safetensors'));
    expect(modelTensors(loaded)).toEqual(tensors);
    loaded.dispose();
  });

  test("to a folder of timm's hub, which loads as the same model with its preprocessing", async () => {
    expect((await vit('convert', run, '--to', 'timm', '--output', out('timm'))).code).toBe(0);
    expect(config(out('timm'))).toMatchObject({
      architecture: 'vit_base_patch16_224',
      num_classes: 5,
      pretrained_cfg: {
        mean: [0.5, 0.4, 0.3],
        crop_pct: 0.8,
        label_names: ['a', 'b', 'c', 'd', 'e'],
      },
      model_args: { embed_dim: 12, depth: 2, img_size: [16, 16] },
    });
    const loaded = await loadModel(out('timm'));
    expect(modelTensors(loaded)).toEqual(tensors);
    loaded.dispose();
    const again = await vit('convert', run, '--to', 'timm', '--output', out('timm'));
    expect(again.code).toBe(2);
  });

  test('to a folder of Hugging Face and back, to the bit', async () => {
    expect((await vit('convert', run, '--to', 'hf', '--output', out('hf'))).code).toBe(0);
    expect(readdirSync(out('hf')).sort()).toEqual([
      'config.json',
      'model.safetensors',
      'preprocessor_config.json',
    ]);
    expect(config(out('hf'))).toMatchObject({ model_type: 'vit', hidden_size: 12, intermediate_size: 48, id2label: { 0: 'a' } }); // prettier-ignore
    expect(
      (await read(path.join(out('hf'), 'model.safetensors'))).has(
        'vit.encoder.layer.1.attention.attention.key.bias',
      ),
    ).toBe(true);
    const loaded = await loadModel(out('hf'));
    expect(modelTensors(loaded)).toEqual(tensors);
    loaded.dispose();
  });

  test('to ONNX, over a file of ONNX that it wrote, with what belongs to the weights', async () => {
    for (let i = 0; i < 2; i += 1) {
      const { code, out: text } = await vit(
        'convert',
        run,
        '--to',
        'onnx',
        '--output',
        out('m.onnx'),
      );
      expect([code, text]).toEqual([0, expect.stringMatching(/Wrote .* tensors: .*m\.onnx/)]);
    }
    const file = readOnnx(new Uint8Array(readFileSync(out('m.onnx'))));
    expect(file.metadata.get('class_names')).toBe('["a","b","c","d","e"]');
    expect(file.metadata.get('mean')).toBe('[0.5,0.4,0.3]');
    const model = await loadModel(run);
    const x = tf.randomNormal([2, 3, 16, 16], 0, 1, 'float32', 1);
    const wanted = Array.from(model.forward(tf.transpose(x, [0, 2, 3, 1])).dataSync());
    const found = evaluateOnnx(file, { dims: x.shape, data: Array.from(x.dataSync()) });
    found.get('logits')!.data.forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 5));
    model.dispose();
    const weights = path.join(run, 'model.safetensors');
    writeFileSync(out('alone.safetensors'), readFileSync(weights));
    const alone = await vit(
      'convert',
      out('alone.safetensors'),
      '--to',
      'onnx',
      '--output',
      out('no.onnx'),
    );
    expect([alone.code, alone.error]).toEqual([2, expect.stringMatching(/--model/)]);
  });

  test('a ResNet to ONNX', async () => {
    const resnet = {
      family: 'resnet',
      imageSize: 16,
      layers: [1, 1, 1, 1],
      planes: [2, 2, 3, 3],
      numClasses: 2,
    };
    const model = buildModel(resnet);
    writeFileSync(path.join(run, 'model.safetensors'), formatSafetensors(modelTensors(model)));
    writeFileSync(path.join(run, 'config.json'), JSON.stringify(resnet));
    model.dispose();
    const { code } = await vit('convert', run, '--to', 'onnx', '--output', out('r.onnx'));
    expect(code).toBe(0);
    expect(readOnnx(new Uint8Array(readFileSync(out('r.onnx')))).outputs[0]!.dims).toEqual([
      'batch',
      2,
    ]);
  });

  test('what has no place in a form is refused, and nothing is written', async () => {
    const distilled = buildModel({ ...small, distilled: true });
    writeFileSync(path.join(run, 'model.safetensors'), formatSafetensors(modelTensors(distilled)));
    distilled.dispose();
    writeFileSync(path.join(run, 'config.json'), JSON.stringify({ ...small, distilled: true }));
    const { code, error } = await vit('convert', run, '--to', 'hf', '--output', out('no'));
    expect([code, error]).toEqual([2, expect.stringMatching(/distilled.*Convert to timm/)]);
    expect(existsSync(out('no'))).toBe(false);
    writeFileSync(out('other.txt'), 'mine');
    const taken = await vit('convert', run, '--to', 'pth', '--output', out('other.txt'));
    expect(taken.code).toBe(2);
    expect(readFileSync(out('other.txt'), 'utf8')).toBe('mine');
  });
});

describe('average', () => {
  test('the mean of each tensor, with the configuration of the first', async () => {
    const other = new Map([...tensors].map(([name, { shape, data }]) => [name, hostTensor(shape, (data as Float32Array).map((value) => value + 2))])); // prettier-ignore
    writeFileSync(out('b.safetensors'), formatSafetensors(other));
    const { code } = await vit(
      'average',
      run,
      out('b.safetensors'),
      '--output',
      out('mean.safetensors'),
    );
    expect(code).toBe(0);
    const mean = await read(out('mean.safetensors'));
    expect(toFloat32(mean.get('head.bias')!)).toEqual(
      toFloat32(tensors.get('head.bias')!).map((value) => value + 1),
    );
    const loaded = await loadModel(out('mean.safetensors'));
    loaded.dispose();
  });

  test('other tensors, other counters, and one alone are refused', () => {
    const a = new Map([['w', hostTensor([1], Float32Array.of(1))]]);
    const b = new Map([['v', hostTensor([1], Float32Array.of(1))]]);
    const counter = (value: bigint): Map<string, HostTensor> => new Map([['n', { dtype: 'I64', shape: [1], data: BigInt64Array.of(value) }]]); // prettier-ignore
    expect(() => averageTensors([a, b])).toThrow(/missing w/);
    expect(() => averageTensors([counter(1n), counter(2n)])).toThrow(/equal integers.*n/);
    expect(() => averageTensors([a])).toThrow(/two or more/);
    expect(averageTensors([counter(3n), counter(3n)])).toEqual(counter(3n));
  });
});

test('inspect and convert import neither TensorFlow.js nor sharp', () => {
  const seen = new Set<string>();
  const queue = ['inspectCheckpoint', 'convertCheckpoint', 'commands/inspect', 'commands/convert'].map((name) => `lib/cli/${name}.ts`); // prettier-ignore
  const heavy: string[] = [];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    const text = readFileSync(path.join(root, file), 'utf8');
    for (const { specifier, target, typeOnly } of importLines({ file, text })) {
      if (typeOnly) continue;
      if (target !== undefined) queue.push(target);
      else if (/^(@tensorflow|sharp)/.test(specifier)) heavy.push(`${file}: ${specifier}`);
    }
  }
  expect(seen.size).toBeGreaterThan(30);
  expect(heavy).toEqual([]);
});
