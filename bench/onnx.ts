// npm run bench:onnx: models of golden cases as ONNX, computed by ONNX Runtime, beside ours.
//   npm run bench:onnx -- [DIR…]

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import {
  InputError,
  buildModel,
  formatSafetensors,
  hostTensor,
  loadModelTensors,
  markdownTable,
  onnxBytes,
  parseSafetensors,
  selectBackend,
  toFloat32,
  type HostTensor,
  type Model,
} from '../lib/node.ts';
import { runCommand } from './command.ts';
import { neededPython } from './peers/folder.ts';
import { inScratchFolder } from './scratchFolder.ts';

const help = `npm run bench:onnx -- [DIR…]
  DIR  folders of golden cases of the families vit-timm and resnet; default test/goldens/vit-timm
  Each case is written as ONNX and run by ONNX Runtime in batches of 1, 3 and its own, without and with its optimizations, and by onnx.checker.
  Needs the peers of npm run setup:peers -- pytorch onnxruntime. Ends with exit code 1 where logits differ by more than the case allows.`;

interface GoldenCase {
  config: Record<string, unknown>;
  compare: { file: string; tensor: string; atol: number; rtol: number }[];
}

interface Task {
  name: string;
  golden: GoldenCase;
  logits: Float32Array[];
}

const commentary = ['head_scale', 'qkv0_scale', 'lr'];

// The batches of each case by the names of their files.
const batches = [1, 3] as const;

await runCommand(async (words) => {
  if (words.includes('--help')) {
    console.log(help);
    return 0;
  }
  const folders =
    words.length > 0 ? words : [join(import.meta.dirname, '../test/goldens/vit-timm')];
  return inScratchFolder('bench-onnx-', (scratch) => compare(folders.flatMap(casesIn), scratch));
});

function casesIn(folder: string): string[] {
  const found = [folder, ...readdirSync(folder).map((name) => join(folder, name))];
  const cases = found.filter((one) => existsSync(join(one, 'weights.safetensors')));
  if (cases.length > 0) return cases;
  throw new InputError(`Expected golden cases in ${folder}, received none.`);
}

async function compare(cases: readonly string[], scratch: string): Promise<number> {
  const python = neededPython();
  console.log((await selectBackend()).reason);
  const tasks: Task[] = [];
  for (const folder of cases) tasks.push(await written(folder, scratch, `case${tasks.length}`));
  const script = join(import.meta.dirname, 'peers', 'onnx_check.py');
  const { status } = spawnSync(python, [script, scratch], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0)
    throw new InputError('Expected ONNX Runtime to run every file, received a failure.');
  let worst = 0;
  const rows = tasks.map(({ name, golden, logits }, i) => {
    const rule = golden.compare.find(({ tensor }) => tensor === 'logits')!;
    const found = parseSafetensors(readFileSync(join(scratch, `case${i}.out.safetensors`))).tensors;
    const shares = logits.flatMap((wanted, k) =>
      ['basic', 'all'].map((kind) => shareOf(wanted, toFloat32(found.get(`${kind}${k}`)!), rule)),
    );
    const most = Math.max(...shares);
    worst = Math.max(worst, most);
    return [
      name,
      String(logits.length),
      `${rule.atol}`,
      most.toFixed(3),
      most <= 1 ? 'agrees' : 'DIFFERS',
    ];
  });
  const titles = ['case', 'batches', 'allowed', 'largest difference over allowed', ''];
  console.log(markdownTable({ head: titles, rows }));
  console.log(
    `${rows.length} cases, each in batches of 1, 3 and its own; optimizations off and on.`,
  );
  return worst <= 1 ? 0 : 1;
}

/** The largest difference over what is allowed; infinite where a value is not finite. */
function shareOf(
  wanted: Float32Array,
  found: Float32Array,
  { atol, rtol }: { atol: number; rtol: number },
): number {
  if (wanted.length !== found.length || wanted.length === 0) return Infinity;
  return Math.max(
    ...wanted.map((value, i) => {
      const share = Math.abs(found[i]! - value) / (atol + rtol * Math.abs(value));
      return Number.isFinite(share) ? share : Infinity;
    }),
  );
}

// Writes the file and the inputs of a case, and computes its logits here.
async function written(folder: string, scratch: string, file: string): Promise<Task> {
  const golden = JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8')) as GoldenCase;
  const { run_sizes: sizes, ...rest } = golden.config;
  // The weights already have the effect of the other keys, or these are of the training of a ResNet.
  const config = Object.fromEntries(
    Object.entries(rest).filter(([key]) => !commentary.includes(key)),
  );
  if ('planes' in config) config['family'] = 'resnet';
  const model = buildModel(config, { initialize: false, onWarning: () => undefined });
  loadModelTensors(model, tensorsOf(join(folder, 'weights.safetensors')));
  writeFileSync(join(scratch, `${file}.onnx`), await onnxBytes(model));
  const suffix = sizes === undefined ? '' : `@${(sizes as number[][])[0]!.join('x')}`;
  const own = tensorsOf(join(folder, 'inputs.safetensors')).get(`input${suffix}`)!;
  const [, channels, height, width] = own.shape as [number, number, number, number];
  const random = batches.map((batch, i) => {
    const shape = [batch, channels, height, width];
    const values = tf.randomNormal(shape, 0, 1, 'float32', 11 + i).dataSync() as Float32Array;
    return hostTensor(shape, values);
  });
  const inputs = [...random, own];
  const named = new Map(inputs.map((input, i): [string, HostTensor] => [`input${i}`, input]));
  writeFileSync(join(scratch, `${file}.in.safetensors`), formatSafetensors(named));
  const logits = inputs.map((input) => logitsOf(model, input));
  (model as Model & { dispose(): void }).dispose();
  return { name: folder.split('/').at(-1)!, golden, logits };
}

function tensorsOf(file: string): ReadonlyMap<string, HostTensor> {
  return parseSafetensors(readFileSync(file), file).tensors;
}

function logitsOf(model: Model, input: HostTensor): Float32Array {
  return tf.tidy(() => {
    const planes = tf.tensor4d(toFloat32(input), input.shape as [number, number, number, number]);
    return model.forward(tf.transpose(planes, [0, 2, 3, 1])).dataSync() as Float32Array;
  });
}
