// From the name of a loss to its function.

import { InputError, expected } from '../../core/errors.ts';
import { binaryCrossEntropyLoss } from './binaryCrossEntropy.ts';
import { softTargetCrossEntropyLoss } from './crossEntropy.ts';
import { lossNames, registeredLoss } from './registry.ts';
import type { Loss, ownLossNames } from './registry.ts';

const own: Readonly<Record<(typeof ownLossNames)[number], Loss>> = {
  softmax: softTargetCrossEntropyLoss,
  binary: binaryCrossEntropyLoss,
};

/** A loss by its name. @throws InputError if there is none */
export function lossNamed(name: string): Loss {
  const loss = Object.hasOwn(own, name) ? own[name as keyof typeof own] : registeredLoss(name);
  if (loss === undefined) {
    throw new InputError(expected(`one of ${lossNames().join(', ')}`, 'the loss', name));
  }
  return loss;
}
