// F36–F40, F42, F44–F54: memory, backends that differ, and what is not built yet.

import * as fs from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import {
  Capture,
  Loader,
  type VisionTransformer,
  prefetch,
  visualizeAttention,
} from '../../lib/index.ts';
import { makeImage } from '../../lib/core/image.ts';
import { loadModel } from '../../lib/node.ts';
import { nativeUnavailableReason } from '../../lib/backends/native/index.ts';
import { patterns, runToy, normalize, tinyModel, Toy } from '../support/training.ts';
import { assertOutput, seenOf } from '../suites/expect.ts';
import { classes, trainOn } from '../suites/imageFolders.ts';
import { vit } from '../suites/command.ts';
import { digit, shipped } from '../suites/fixtures.ts';
import { gives } from '../suites/inProcess.ts';
import { Skipped, answered, applied, cases, must } from '../suites/row.ts';
import type { Place } from '../suites/place.ts';
import type { Row } from '../suites/row.ts';

/** Work after which as many tensors are there as before. */
const leavesNone = (what: string, work: () => Promise<string> | string) =>
  gives(what, 'no tensor more than before', async () => {
    await tf.setBackend('cpu');
    const before = tf.memory().numTensors;
    const seen = await work();
    const left = tf.memory().numTensors - before;
    must(left === 0, `${left} tensors left`);
    return seen;
  });

/** Tensors and bytes after each of the steps of two epochs have to stay the same from the second on. */
async function flat(
  steps: number,
  changes: Parameters<typeof runToy>[0],
  model: Toy | VisionTransformer,
): Promise<string> {
  const seen = { tensors: new Set<number>(), bytes: new Set<number>(), steps: 0 };
  const step = (): void => {
    seen.steps += 1;
    if (seen.steps < 3) return;
    seen.tensors.add(tf.memory().numTensors);
    seen.bytes.add(tf.memory().numBytes);
  };
  const { error } = await runToy(
    { checkpointMinutes: null, ...changes },
    { model, sinks: [{ step }], train: patterns(8 * steps) },
  );
  model.dispose();
  must(error === undefined, String(error));
  must(
    seen.tensors.size === 1 && seen.bytes.size === 1,
    `${[...seen.tensors].join()} tensors, ${[...seen.bytes].join()} bytes`,
  );
  return `${seen.steps} steps, ${[...seen.bytes].join()} bytes`;
}

const predict = (place: Place, ...more: string[]): string[] => [
  'predict',
  '--checkpoint',
  shipped,
  '--image',
  digit(place),
  ...more,
];

const probabilities = async (place: Place, ...flags: string[]): Promise<number[]> => {
  const ran = await vit(predict(place, '--json', '--topk', '10', ...flags), { cwd: place.folder });
  must(ran.code === 0, seenOf(ran));
  const { predictions } = JSON.parse(ran.out) as {
    predictions: { index: number; probability: number }[];
  };
  return predictions.sort((a, b) => a.index - b.index).map(({ probability }) => probability);
};

const imageOf = () => makeImage(8, 8, 3, new Uint8Array(192).fill(90));

/** The rows on memory. */
export const memoryRows: readonly Row[] = [
  ...cases('F36', [
    gives('1,000 steps', 'tensors and bytes constant after step 2', async () => {
      await tf.setBackend('cpu');
      return flat(500, {}, new Toy());
    }),
    gives('200 steps of a ViT on native', 'tensors and bytes constant after step 2', async () => {
      const reason = nativeUnavailableReason();
      if (reason !== undefined) throw new Skipped(`the native backend is not here: ${reason}`);
      await tf.setBackend('native');
      const seen = await flat(100, {}, tinyModel());
      await tf.setBackend('cpu');
      return seen;
    }),
  ]),
  ...cases('F37', [
    leavesNone('an exception in a step', async () => {
      const model = new Toy();
      const forward = model.forward.bind(model);
      let calls = 0;
      model.forward = (images, context) => {
        const logits = forward(images, context);
        if ((calls += 1) === 3) throw new Error('a step failed');
        return logits;
      };
      const { error } = await runToy({}, { model });
      model.dispose();
      must(error?.message === 'a step failed', String(error));
      return 'thrown';
    }),
    leavesNone('an exception in a data set', async () => {
      const broken = patterns(36);
      const image = broken.image.bind(broken);
      let reads = 0;
      broken.image = (index) => {
        if ((reads += 1) > 60) throw new Error('the disk is gone');
        return image(index);
      };
      const { error } = await runToy({}, { train: broken });
      must(error?.message === 'the disk is gone', String(error));
      return 'thrown';
    }),
    leavesNone('an exception in a captured pass', () => {
      const model = tinyModel();
      const x = tf.zeros([1, 8, 8, 1]) as tf.Tensor4D;
      const capture = new Capture(['**']);
      try {
        model.forward(x, { intercept: capture, training: true });
      } catch {
        // It has no rng for its dropouts.
      }
      tf.dispose(x);
      capture.dispose();
      model.dispose();
      return 'thrown';
    }),
  ]),
  ...cases('F38', [
    gives('100 saves with the optimizer', 'tensors and bytes constant', async () => {
      await tf.setBackend('cpu');
      return flat(50, { checkpointSteps: 1 }, new Toy());
    }),
  ]),
  ...cases('F39', [
    leavesNone('load and dispose 100 times', async () => {
      for (let i = 0; i < 100; i += 1) (await loadModel(shipped)).dispose();
      return '100 times';
    }),
    leavesNone('two models, one disposed', () => {
      const [one, two] = [tinyModel(), tinyModel()];
      one.dispose();
      const y = tf.tidy(() => two.forward(tf.zeros([1, 8, 8, 1]) as tf.Tensor4D));
      const seen = [...y.dataSync()].every(Number.isFinite);
      must(seen, 'the second is affected');
      y.dispose();
      two.dispose();
      return 'the second works';
    }),
  ]),
  ...cases('F40', [
    leavesNone('50 pictures of attention', async () => {
      const model = tinyModel();
      const before = process.memoryUsage().rss;
      for (let i = 0; i < 50; i += 1) {
        await visualizeAttention({
          model,
          pixels: new Float32Array(64).fill(i),
          picture: imageOf(),
        });
      }
      model.dispose();
      const grown = (process.memoryUsage().rss - before) / 2 ** 20;
      must(grown < 400, `${grown.toFixed(0)} MB more`);
      return `${grown.toFixed(0)} MB more`;
    }),
  ]),
  answered(
    'F42',
    'a WebGL or WebGPU context that is lost',
    'needs a GPU to take away; webgpu runs plain tfjs kernels so far, and the issue on the browser page brings recovery',
  ),
  answered(
    'F44',
    'a kernel that a backend does not have',
    'an op asks for a kernel before it calls it and has a reference in plain ops (test/ops); parity runs every backend',
  ),
  ...cases('F45', [
    (id) =>
      applied(
        id,
        'backends and threads',
        'probabilities within 1e-5 of cpu; native alike for 1 and 2 threads',
        async (place) => {
          const cpu = await probabilities(place, '--backend', 'cpu');
          const apart: string[] = [];
          const sets: string[][] = [
            ['wasm'],
            ['native', '--threads', '1'],
            ['native', '--threads', '2'],
          ];
          const seen: number[][] = [];
          for (const [backend = '', ...flags] of sets) {
            if (backend === 'native' && nativeUnavailableReason() !== undefined) continue;
            const other = await probabilities(place, '--backend', backend, ...flags);
            const worst = Math.max(...other.map((value, i) => Math.abs(value - cpu[i]!)));
            must(worst < 1e-5, `${backend} is ${worst} apart`);
            apart.push(`${backend} ${worst.toExponential(1)}`);
            if (backend === 'native') seen.push(other);
          }
          must(
            new Set(seen.map((values) => values.join())).size <= 1,
            'the number of threads changes bits',
          );
          return apart.join(', ');
        },
      ),
  ]),
  answered(
    'F46',
    'a worker that crashes in mid-batch',
    'test/sampleWorkers ends worker threads in the middle of batches: they are started anew, and no sample is lost or moved',
  ),
  ...cases('F47', [
    gives('prefetching while an image throws', 'the error at its batch, no hang', async () => {
      const broken = patterns(32);
      const image = broken.image.bind(broken);
      broken.image = (index) =>
        (index === 17 ? Promise.reject(new Error('image 17')) : image(index)) as never;
      const loader = new Loader({ dataset: broken, batchSize: 8, normalize });
      let batches = 0;
      try {
        for await (const batch of prefetch(loader, 1, { depth: 4 })) {
          batches += batch.labels === undefined ? 0 : 1;
        }
      } catch (error) {
        must(/image 17/.test((error as Error).message), String(error));
        return `after ${batches} batches`;
      }
      return must(false, 'no error');
    }),
  ]),
  ...cases('F48', [
    ...(['deleted', 'cut', 'emptied'] as const).map(
      (how) => (id: string) =>
        applied(
          id,
          `an image that is ${how} between epochs`,
          'replaced and told',
          async (place) => {
            classes(place, ['a', 'b'], { count: 12 });
            const file = place.path('data/a/3.png');
            const words = trainOn(place, { epochs: 12 }, '--val-split', '0', '--workers', '1');
            let done = false;
            const ran = await vit(words, {
              cwd: place.folder,
              onOutput: (_, text) => {
                if (done || !/^epoch 1 /m.test(text)) return;
                done = true;
                if (how === 'deleted') fs.rmSync(file);
                else fs.truncateSync(file, how === 'cut' ? 40 : 0);
              },
            });
            return assertOutput(ran, /1 image file is damaged/, { seconds: 20 });
          },
        ),
    ),
  ]),
  ...(['F49', 'F50'] as const).map((id) =>
    answered(
      id,
      id === 'F49'
        ? 'fetch: 404, timeout, redirect loop, CORS'
        : 'a download that is cut, HTML for a file',
      id === 'F49'
        ? 'test/hub.test.ts has a server that answers 401, 403, 404, 416 and 429, in circles, and not at all; CORS is of browsers'
        : 'test/hub.test.ts cuts downloads, sends HTML with 200 and other bytes than the hash says, and kills the process',
    ),
  ),
  ...(['F51', 'F52', 'F53', 'F54'] as const).map((id) =>
    answered(
      id,
      {
        F51: 'a cache without space',
        F52: 'a hidden or closed tab',
        F53: '20 quick drops of images',
        F54: 'a worker that throws later',
      }[id],
      'no browser page yet; the issue on the attention explorer brings it',
    ),
  ),
];
