// One update of the model, as the trainer and the profiler run it.

import type * as tf from '@tensorflow/tfjs';
import type { Interceptor } from '../core/intercept.ts';
import { unmarked, type Phase } from '../core/phase.ts';
import { Rng } from '../core/rng.ts';
import type { Batch } from '../data/batch.ts';
import { clipGradients } from './clip.ts';
import { addCounts, disposeAll, updateGradients } from './gradients.ts';
import { finiteNorm } from './guard.ts';
import { disposeUpdate, type Optimizer } from './optimizer.ts';
import type { EpochSums } from './runState.ts';
import { rateOfUpdate } from './schedules.ts';
import { keepingBuffers } from './trainableModel.ts';
import type { UpdateParts } from './updates.ts';

/**
 * The hooks of an update; a profiler's marks fit here.
 *
 * @property phase      runs the phases `forward`, `backward` and `optimizer` (the moving average is part of it)
 * @property intercept  called around the steps of the forward passes
 */
export interface UpdateWatch {
  phase?: Phase;
  intercept?: Interceptor | undefined;
}

/**
 * One update of the model: loss → gradients → sum over processes → clip → optimizer → moving average. Nothing is written unless all
 * of it is finite.
 *
 * @param batches  the batches of the update; their gradients are averaged over the images
 * @returns loss, learning rate and gradient norm before clipping
 * @throws NumericError naming the first tensor that is not finite
 */
export async function updateModel(
  run: UpdateParts,
  batches: readonly Batch[],
  watch: UpdateWatch = {},
): Promise<Record<string, number>> {
  return keepingBuffers(run.buffers, () => update(run, batches, watch));
}

async function update(
  run: UpdateParts,
  batches: readonly Batch[],
  { phase = unmarked, intercept }: UpdateWatch,
): Promise<Record<string, number>> {
  const { state, config, task, communicator, model, weights, buffers, trainable } = run;
  const { optimizer, ema, schedule } = run;
  const step = state.step + 1;
  const when = `step ${step}`;
  const rate = rateOfUpdate(schedule, state.epoch, state.step);
  const first = state.update * config.accumulationSteps;
  const rng = (i: number) => new Rng(config.seed).split('forward', state.epoch, first + i);
  const { gradients: own, ...sums } = await updateGradients(model, batches, {
    task,
    trainable,
    precision: config.precision,
    rng,
    at: (i) => ({ epoch: state.epoch, step: first + i }),
    when,
    phase,
    intercept,
  });
  const gradients = await communicator.sum(own);
  let clipped: ReadonlyMap<string, tf.Tensor> = gradients;
  let gradNorm: number;
  try {
    gradNorm = await finiteNorm('the gradient of', gradients, when);
    if (config.clip !== null) clipped = clipGradients(gradients, config.clip, weights);
    const statistics = new Map([...buffers].filter(([, { dtype }]) => dtype === 'float32'));
    if (statistics.size > 0) await finiteNorm('the buffer', statistics, when);
    optimizer.setRate(rate);
    await phase('optimizer', () => stepIfFinite(optimizer, clipped, when));
  } finally {
    disposeAll(gradients);
    if (clipped !== gradients) disposeAll(clipped);
  }
  const moving = () => new Map<string, tf.Tensor>([...trainable.namedParameters(), ...buffers]);
  if (ema !== undefined) phase('optimizer', () => ema.update(moving(), step));
  state.step = step;
  state.update += 1;
  state.sums = addCounts(state.sums, {
    loss: sums.lossSum,
    images: sums.images,
    ...sums.counts,
  }) as EpochSums;
  state.times.images += sums.images;
  return { loss: sums.lossSum / sums.images, learningRate: rate, gradNorm };
}

async function stepIfFinite(
  optimizer: Optimizer,
  gradients: ReadonlyMap<string, tf.Tensor>,
  when: string,
): Promise<void> {
  if (await optimizer.foresees(gradients)) {
    optimizer.step(gradients);
    return;
  }
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
