// The parts of an update: optimizer, schedule and moving average, as the trainer, the profiler and the benchmark build them.

import { singleProcess, type Communicator } from '../distributed/communicator.ts';
import { classification } from './classification.ts';
import { Ema } from './ema.ts';
import { makeOptimizer } from './optimizer.ts';
import type { Run } from './run.ts';
import { initialState, type RunState } from './runState.ts';
import { baseRateOf, epochsOf, scheduleOf } from './schedules.ts';
import type { Task } from './task.ts';
import type { FullTrainConfig } from './trainConfig.ts';
import type { TrainableModel } from './trainableModel.ts';
import { trainablePart } from './trainablePart.ts';

/** The parts of a run that `updateModel` works with. */
export type UpdateParts = Pick<
  Run,
  | 'config'
  | 'task'
  | 'communicator'
  | 'model'
  | 'weights'
  | 'buffers'
  | 'trainable'
  | 'optimizer'
  | 'ema'
  | 'schedule'
  | 'epochs'
  | 'updatesPerEpoch'
  | 'state'
>;

/**
 * The options of building updates.
 *
 * @property batchesPerEpoch  the number of batches of the loader
 * @property task             default `classification()` with the config's loss
 * @property communicator     default `singleProcess`
 * @property state            the state of the run; default its beginning
 */
export interface UpdateOptions {
  batchesPerEpoch: number;
  task?: Task;
  communicator?: Communicator;
  state?: RunState;
}

/**
 * Builds optimizer, schedule and moving average for a model's weights as they are; `disposeUpdates` frees them.
 *
 * @throws InputError for a part of the config that cannot be used; nothing stays allocated then
 */
export function buildUpdates(
  model: TrainableModel,
  config: FullTrainConfig,
  { batchesPerEpoch, task, communicator = singleProcess, state = initialState() }: UpdateOptions,
): UpdateParts {
  const learningRate = baseRateOf(config);
  const updatesPerEpoch = Math.ceil(batchesPerEpoch / config.accumulationSteps);
  const schedule = scheduleOf(
    config,
    updatesPerEpoch,
    state.update === 0 ? state.epoch : undefined,
  );
  const [weights, buffers] = [model.stateDict(), model.namedBuffers()];
  const trainable = trainablePart(model, config);
  const optimizer = makeOptimizer(trainable, { ...config.optimizer, learningRate });
  try {
    const ema = config.ema === null ? undefined : new Ema(weights, config.ema);
    const purpose = task ?? classification({ loss: config.loss });
    const parts = {
      config,
      task: purpose,
      communicator,
      model,
      weights,
      buffers,
      trainable,
      optimizer,
      ema,
    };
    return { ...parts, schedule, epochs: epochsOf(schedule), updatesPerEpoch, state };
  } catch (error) {
    optimizer.dispose();
    throw error;
  }
}

/** Frees the optimizer's state and the moving average; the model stays. */
export function disposeUpdates({ optimizer, ema }: Pick<UpdateParts, 'optimizer' | 'ema'>): void {
  optimizer.dispose();
  ema?.dispose();
}
