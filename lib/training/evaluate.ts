import * as t from '../ops/tensor.ts';
import { NumericError } from '../core/errors.ts';
import { nextTurn } from '../core/eventLoop.ts';
import type { Precision } from '../core/precision.ts';
import type { Stop } from '../core/stop.ts';
import type { Loader } from '../data/loader.ts';
import { prefetch } from '../data/prefetch.ts';
import { assertFiniteWeights } from './guard.ts';
import { Metrics } from './metrics.ts';
import type { Evaluation } from './metrics.ts';
import type { TrainableModel } from './trainableModel.ts';

/**
 * What a model gets right on a data set: loss, top-1, top-5, each class, confusion.
 *
 * @param loader         with `training: false`
 * @param options.precision  of the model's products; default fp32
 * @param options.stop   a signal ends the evaluation early, with undefined as its result
 * @param options.onBatch  called after each batch with the images done so far
 * @throws InputError if a weight is not finite; NumericError if a logit is not
 *
 * @example const {top1, loss} = await evaluate(model, loader);
 */
export async function evaluate(
  model: TrainableModel,
  loader: Loader,
  options?: EvaluateOptions,
): Promise<Evaluation>;
export async function evaluate(
  model: TrainableModel,
  loader: Loader,
  options: EvaluateOptions & { stop: Stop | undefined },
): Promise<Evaluation | undefined>;
export async function evaluate(
  model: TrainableModel,
  loader: Loader,
  { precision = 'fp32', stop, onBatch }: EvaluateOptions & { stop?: Stop | undefined } = {},
): Promise<Evaluation | undefined> {
  await assertFiniteWeights(model);
  const metrics = new Metrics(loader.config.dataset.numClasses);
  let images = 0;
  for await (const batch of prefetch(loader, 0)) {
    await nextTurn();
    if (stop?.signal !== undefined) return undefined;
    const logits = t.tidy(() =>
      model.forward(t.tensor4d(batch.images, [batch.size, ...batch.imageShape]), { precision }),
    );
    try {
      const values = await logits.data();
      const bad = values.findIndex((value) => !Number.isFinite(value));
      if (bad >= 0) {
        const index = batch.indices[Math.floor(bad / (values.length / batch.size))]!;
        throw new NumericError(
          `Expected finite logits for image ${index}, received ${values[bad]!}. Look at the image and the weights.`,
        );
      }
      metrics.add(values, batch.labels);
    } finally {
      logits.dispose();
    }
    images += batch.size;
    onBatch?.(images);
  }
  return metrics.result();
}

interface EvaluateOptions {
  precision?: Precision;
  onBatch?: (images: number) => void;
}
