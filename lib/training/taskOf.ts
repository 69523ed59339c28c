// The task of a run: the caller's, or that of the config.

import { InputError, expected } from '../core/errors.ts';
import { parseOptions } from '../core/option.ts';
import { classification } from './classification.ts';
import { distilledClassification } from './distilledClassification.ts';
import { distillationOptions } from './options/distillation.ts';
import type { DistillationConfig } from './options/types.ts';
import type { TrainEnv } from './run.ts';
import type { Task } from './task.ts';
import type { FullTrainConfig } from './trainConfig.ts';

/**
 * The task of a run.
 *
 * @throws InputError if the config has a loss or a distillation beside a task of the caller's, a distillation has no teacher, or a teacher
 *   has no distillation
 */
export function taskOf(
  { loss, distillation }: Pick<FullTrainConfig, 'loss' | 'distillation'>,
  { task, teacher }: Pick<TrainEnv<unknown>, 'task' | 'teacher'>,
): Task {
  const {
    type = 'none',
    alpha,
    tau,
  } = parseOptions<DistillationConfig>(distillationOptions, distillation, { name: 'distillation' });
  if (task !== undefined) {
    const remedy = 'Leave it out: the task has its own loss.';
    if (loss !== 'softmax')
      throw new InputError(expected('no loss beside a task', 'loss', loss, remedy));
    if (type === 'none' && teacher === undefined) return task;
    throw new InputError(expected('none beside a task', 'distillation.type', type, remedy));
  }
  if (type === 'none') {
    if (teacher === undefined) return classification({ loss });
    const remedy = 'Say hard or soft, or give no teacher.';
    throw new InputError(expected('a type beside a teacher', 'distillation.type', type, remedy));
  }
  if (teacher === undefined) {
    const remedy = 'Give --teacher-path, or teacher in code.';
    throw new InputError(expected('a teacher', `distillation.type ${type}`, undefined, remedy));
  }
  return distilledClassification({ teacher, type, alpha: alpha!, tau: tau!, loss });
}
