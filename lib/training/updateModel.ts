import type * as tf from '@tensorflow/tfjs';
import { Rng } from '../core/rng.ts';
import type { Batch } from '../data/loader.ts';
import { clipGradients } from './clip.ts';
import { disposeAll, updateGradients } from './gradients.ts';
import { finiteNorm } from './guard.ts';
import { disposeUpdate, type Optimizer } from './optimizer.ts';
import type { Run } from './run.ts';
import { rateOfUpdate } from './schedules.ts';

/** The parts of a run that an update works with. */
export type UpdatedRun = Pick<
  Run,
  'state' | 'config' | 'model' | 'weights' | 'optimizer' | 'ema' | 'schedule'
>;

/**
 * One update of the model: loss → gradients → clip → optimizer → moving average. Nothing is written unless all of it is finite.
 *
 * @param batches  of the update; their gradients are averaged over the images
 * @returns loss, learning rate and gradient norm before clipping
 * @throws NumericError naming the first tensor that is not finite
 */
export async function updateModel(
  run: UpdatedRun,
  batches: readonly Batch[],
): Promise<Record<string, number>> {
  const { state, config, model, weights, optimizer, ema, schedule } = run;
  const step = state.step + 1;
  const when = `step ${step}`;
  const rate = rateOfUpdate(schedule, state.epoch, state.step);
  const first = state.update * config.accumulationSteps;
  const rng = (i: number) => new Rng(config.seed).split('forward', state.epoch, first + i);
  const { gradients, ...sums } = await updateGradients(model, batches, {
    loss: config.loss,
    precision: config.precision,
    rng,
    when,
  });
  let clipped: ReadonlyMap<string, tf.Tensor> = gradients;
  let gradNorm: number;
  try {
    gradNorm = await finiteNorm('the gradient of', gradients, when);
    if (config.clip !== null) clipped = clipGradients(gradients, config.clip, weights);
    optimizer.setRate(rate);
    if (await optimizer.foresees(clipped)) optimizer.step(clipped);
    else await applyIfFinite(optimizer, clipped, when);
  } finally {
    disposeAll(gradients);
    if (clipped !== gradients) disposeAll(clipped);
  }
  ema?.update(weights, step);
  state.step = step;
  state.update += 1;
  state.sums.loss += sums.lossSum;
  state.sums.images += sums.images;
  state.times.images += sums.images;
  state.sums.correct += sums.correct;
  return { loss: sums.lossSum / sums.images, learningRate: rate, gradNorm };
}

async function applyIfFinite(
  optimizer: Optimizer,
  gradients: ReadonlyMap<string, tf.Tensor>,
  when: string,
): Promise<void> {
  const update = optimizer.propose(gradients);
  try {
    await finiteNorm('the new weight', update.parameters, when);
    await finiteNorm('the optimizer state', update.state, when);
  } catch (error) {
    disposeUpdate(update);
    throw error;
  }
  optimizer.apply(update);
}
