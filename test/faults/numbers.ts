// F24–F35: numbers that are not finite, too large, too small, or all alike.

import * as tf from '@tensorflow/tfjs';
import { NumericError } from '../../lib/core/errors.ts';
import {
  VisionTransformer,
  adamW,
  clipGradients,
  explanationMethods,
  heatMap,
  makeSchedule,
  overlay,
  scaledDotProductAttention,
  softmaxCrossEntropy,
} from '../../lib/index.ts';
import { makeImage } from '../../lib/core/image.ts';
import { patterns, runToy, Toy, weightsIn } from '../support/training.ts';
import { assertRefused, seenOf } from '../suites/expect.ts';
import { vit } from '../suites/command.ts';
import { training } from '../suites/fixtures.ts';
import { gives } from '../suites/inProcess.ts';
import { soundRun } from '../suites/runs.ts';
import { answered, applied, cases, must } from '../suites/row.ts';
import type { TrainConfig } from '../../lib/index.ts';
import type { Row } from '../suites/row.ts';

type Wrong = (logits: tf.Tensor2D, call: number) => tf.Tensor2D;

/** A toy whose logits go wrong, in training or elsewhere. */
function faulty(wrong: Wrong, where: 'training' | 'evaluation' = 'training'): Toy {
  const model = new Toy();
  const forward = model.forward.bind(model);
  let call = 0;
  model.forward = (images, context) => {
    if ((context?.training === true) !== (where === 'training')) return forward(images, context);
    call += 1;
    return tf.tidy(() => wrong(forward(images, context), call));
  };
  return model;
}

const withGradient = (factor: number) =>
  tf.customGrad((x: unknown) => ({
    value: (x as tf.Tensor).clone(),
    gradFunc: (dOut: tf.Tensor) => dOut.mul(factor),
  })) as unknown as (x: tf.Tensor2D) => tf.Tensor2D;

/** A run with a faulty model has to stop with an error that names tensor and step, and keep the state before it. */
const stopsAt = (what: string, message: RegExp, wrong: Wrong, changes: Partial<TrainConfig> = {}) =>
  gives(what, `named: ${message.source}; the state before it saved`, async () => {
    await tf.setBackend('cpu');
    const before = tf.memory().numTensors;
    const model = faulty(wrong);
    const { error, store } = await runToy(changes, { model });
    model.dispose();
    must(error instanceof NumericError && error.exitCode === 1, String(error));
    must(message.test(error.message), error.message);
    const saved = [...weightsIn(store, 'checkpoint.safetensors').values()];
    must(
      saved.every((values) => Array.from(values as Float32Array).every(Number.isFinite)),
      'a bad weight was saved',
    );
    must(tf.memory().numTensors === before, `${tf.memory().numTensors - before} tensors left`);
    return error.message;
  });

const finite = (...tensors: tf.Tensor[]): string => {
  const values = tensors.flatMap((tensor) => [...tensor.dataSync()]);
  must(values.every(Number.isFinite), values.slice(0, 8).join(' '));
  return values
    .slice(0, 4)
    .map((value) => value.toPrecision(3))
    .join(' ');
};
const computes = (what: string, compute: () => tf.Tensor | tf.Tensor[]) =>
  gives(what, 'finite', async () => {
    await tf.setBackend('cpu');
    return tf.tidy(() => finite(...[compute()].flat()));
  });

/** Explains by a method where every denominator may be 0: all weights 0, then the weights of a fresh model on an image of zeros. */
async function explainsZeros(name: string): Promise<string> {
  await tf.setBackend('cpu');
  const before = tf.memory().numTensors;
  const method = explanationMethods().find((one) => one.name === name)!;
  const shape = { imageSize: 8, patchSize: 4, numClasses: 3, embedDim: 12, depth: 2, numHeads: 2 };
  const seen: string[] = [];
  for (const zeros of [true, false]) {
    const model = new VisionTransformer(shape, { onWarning: () => undefined });
    if (zeros) {
      for (const [, tensor] of model.namedParameters()) {
        tf.tidy(() => tensor.assign(tf.zerosLike(tensor)));
      }
    }
    const images = tf.zeros([1, 8, 8, 3]) as tf.Tensor4D;
    const { maps } = await method.run(model, images, { target: 1 });
    const values = Array.from(maps[0]!.data);
    must(values.every(Number.isFinite), `${zeros ? 'zeros' : 'black'}: ${values.join(', ')}`);
    seen.push(`${Math.max(...values.map(Math.abs))}`);
    images.dispose();
    model.dispose();
  }
  const left = tf.memory().numTensors - before;
  must(left === 0, `${left} tensors left`);
  return `largest ${seen.join(' and ')}`;
}

/** The rows on numbers. */
export const numberRows: readonly Row[] = [
  ...cases('F24', [
    stopsAt('a NaN in the logits of step 3', /step 3/, (x, call) => (call === 3 ? x.mul(NaN) : x)),
    stopsAt('a NaN in a gradient of step 3', /the gradient of head\.weight.*step 3/, (x, call) =>
      call === 3 ? withGradient(NaN)(x) : x,
    ),
    gives(
      'a NaN in a weight at the beginning',
      'the weight is named, nothing is written',
      async () => {
        const model = new Toy();
        model.bias.assign(tf.tensor1d([0, NaN, 0, 0]));
        const { error, store } = await runToy({}, { model });
        model.dispose();
        must(
          error !== undefined && error.message.includes('head.bias') && store.files.size === 0,
          String(error),
        );
        return error.message;
      },
    ),
  ]),
  ...cases('F25', [
    stopsAt('an infinite loss at step 2', /the loss.*step 2/, (x, call) =>
      call === 2 ? x.mul(Infinity) : x,
    ),
    (id) =>
      applied(
        id,
        'a learning rate of 1e30',
        'exit 1, one line that names a tensor and the step; a sound folder',
        async (place) => {
          const ran = await vit([...training(place), '--lr', '1e30'], { cwd: place.folder });
          must(ran.code === 1, seenOf(ran));
          const message = assertRefused(ran, /step \d+/, { code: 1 });
          await soundRun(place.path('run'));
          return message;
        },
      ),
  ]),
  ...cases('F26', [
    gives('a NaN in every validation', 'never the best epoch', async () => {
      await tf.setBackend('cpu');
      const model = faulty((x) => x.mul(NaN), 'evaluation');
      const { result, error } = await runToy({}, { model });
      model.dispose();
      must(
        error !== undefined ||
          result?.best === undefined ||
          result.best === null ||
          Number.isFinite(result.best.top1),
        `best ${JSON.stringify(result?.best)}`,
      );
      return error?.message ?? `best ${JSON.stringify(result?.best)}`;
    }),
  ]),
  ...cases('F27', [
    stopsAt(
      'a gradient that only overflows the moments',
      /exp_avg_sq.*step 2/,
      (x, call) => (call === 2 ? withGradient(1e25)(x) : x),
      { clip: null },
    ),
  ]),
  ...cases('F28', [
    computes('the loss of equal logits', () =>
      softmaxCrossEntropy(
        tf.zeros([2, 3]),
        tf.tensor2d([
          [1, 0, 0],
          [0, 0, 1],
        ]),
      ),
    ),
    computes('the loss of one class', () => softmaxCrossEntropy(tf.ones([2, 1]), tf.ones([2, 1]))),
    computes('the loss of a probability of 0', () =>
      softmaxCrossEntropy(tf.tensor2d([[-1e4, 1e4]]), tf.tensor2d([[1, 0]])),
    ),
    gives('a class without images in validation', 'a finite loss, no accuracy for it', async () => {
      const { result, error } = await runToy({ epochs: 1 }, { validation: patterns(2, 3) });
      must(error === undefined && Number.isFinite(result!.log[0]!.valLoss), String(error));
      return `loss ${result!.log[0]!.valLoss}`;
    }),
  ]),
  ...cases(
    'F29',
    (['norm', 'value', 'agc'] as const).map((mode) =>
      computes(`clipping gradients of 0 by ${mode}`, () => [
        ...clipGradients(
          new Map([['w', tf.zeros([2, 2])]]),
          { mode, value: 1 },
          new Map([['w', tf.zeros([2, 2])]]),
        ).values(),
      ]),
    ),
  ),
  ...cases(
    'F30',
    ([1e4, -1e4] as const).map((level) =>
      computes(`attention logits of ${level}, with gradients`, () => {
        const q = tf.fill([1, 1, 3, 2], Math.sqrt(Math.abs(level))) as tf.Tensor4D;
        const k = tf.mul(q, Math.sign(level)) as tf.Tensor4D;
        const loss = (a: tf.Tensor, b: tf.Tensor) =>
          tf.sum(scaledDotProductAttention(a as tf.Tensor4D, b as tf.Tensor4D, q).out);
        return [scaledDotProductAttention(q, k, q).out, ...tf.grads(loss)([q, k])];
      }),
    ),
  ),
  answered(
    'F31',
    'a backend of 16-bit floats, ε that becomes 0',
    'every backend here computes in float32; bf16 has its range, and sums, norms and ε stay float32 (test/precision)',
  ),
  ...cases('F32', [
    gives('a constant map as a picture', 'a PNG without NaN', async () => {
      const grid = { height: 2, width: 2, data: [0.5, 0.5, 0.5, 0.5] };
      const pictures = [
        await heatMap({ grid }),
        await overlay({ image: makeImage(8, 8, 3, new Uint8Array(192)), grid }),
      ];
      must(
        pictures.every((png) => png[1] === 0x50),
        'no PNG',
      );
      return pictures.map((png) => `${png.length} bytes`).join(', ');
    }),
  ]),
  ...cases('F33', [
    ...explanationMethods().map(({ name }) =>
      gives(`${name} of a model of zeros, and of a black image`, 'finite maps', () =>
        explainsZeros(name),
      ),
    ),
  ]),
  ...cases('F34', [
    gives('a loss spike that recovers', 'recorded, no stop', async () => {
      await tf.setBackend('cpu');
      const model = faulty((x, call) => (call === 2 ? x.add(tf.tensor1d([500, 0, 0, 0])) : x));
      const { result, error } = await runToy({}, { model });
      model.dispose();
      must(
        error === undefined && result!.log[0]!.trainLoss > result!.log[1]!.trainLoss,
        String(error),
      );
      return result!.log.map(({ trainLoss }) => trainLoss.toFixed(2)).join(', ');
    }),
  ]),
  ...cases('F35', [
    computes('AdamW at step 10⁷ and at 2⁵³ − 1', () =>
      [1e7, 2 ** 53 - 1].flatMap((step) => {
        const one = (): tf.Tensor[] => [tf.ones([2])];
        return adamW(
          { parameters: one(), gradients: one(), firstMoments: one(), secondMoments: one() },
          { learningRate: 1e-3, step },
        ).parameters;
      }),
    ),
    ...(['cosine', 'step', 'linear', 'constant'] as const).map((sched) =>
      gives(`the ${sched} schedule at update 10⁷ and past its end`, 'finite, not negative', () => {
        const schedule = makeSchedule(1e-3, {
          numEpochs: 100,
          updatesPerEpoch: 1e5,
          sched,
          minLr: 1e-6,
          stepOnEpochs: false,
        });
        const rates = [0, 1e7 - 1, 1e7, 1e9].map((t) => schedule.rate(t));
        must(
          rates.every((rate) => Number.isFinite(rate) && rate >= 0),
          rates.join(' '),
        );
        return rates.map((rate) => rate.toExponential(1)).join(' ');
      }),
    ),
  ]),
];
