// The mean of several sets of weights.

import { CheckpointError, InputError, expected, listed } from '../core/errors.ts';
import { assertListOf } from '../core/kinds.ts';
import { assertTensors } from './nonFinite.ts';
import { assertStateDict } from './stateDictErrors.ts';
import { toFloat32, type Dtype, type HostTensor } from './hostTensor.ts';

const floats: readonly Dtype[] = ['F64', 'F32', 'F16', 'BF16'];

/**
 * The mean of each tensor over several state dicts, summed in float64 and rounded once to float32. Integers, such as counters, have no
 * mean: they must be equal.
 *
 * @param sets  at least two, with the same names and shapes
 * @throws CheckpointError naming the tensors that differ
 *
 * Source: Wortsman et al. 2022, "Model soups"; timm's avg_checkpoints.py.
 *
 * @example averageTensors([first.tensors, second.tensors]);
 */
export function averageTensors(
  sets: readonly ReadonlyMap<string, HostTensor>[],
): Map<string, HostTensor> {
  assertListOf('the checkpoints to average', sets, 'map');
  sets.forEach((one) => assertTensors(one));
  const [first, ...others] = sets;
  if (first === undefined || others.length === 0) {
    throw new InputError(expected('two or more', 'the checkpoints to average', sets.length));
  }
  others.forEach((one, i) => assertStateDict(`the tensors of the first in number ${i + 2}`, first, one));
  const mean = new Map<string, HostTensor>();
  const unequal: string[] = [];
  for (const [name, tensor] of first) {
    if (!floats.includes(tensor.dtype)) {
      const same = others.every((one) => String(one.get(name)!.data) === String(tensor.data));
      if (!same) unequal.push(name);
      mean.set(name, tensor);
      continue;
    }
    const sum = Float64Array.from(toFloat32(tensor, name));
    for (const one of others) toFloat32(one.get(name)!, name).forEach((value, i) => (sum[i]! += value));
    const data = Float32Array.from(sum, (value) => value / sets.length);
    mean.set(name, { dtype: 'F32', shape: tensor.shape, data });
  }
  if (unequal.length === 0) return mean;
  throw new CheckpointError(
    `Expected equal integers in all checkpoints, received others in ${listed(unequal)}.`,
  );
}
