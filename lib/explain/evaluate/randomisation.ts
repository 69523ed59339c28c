// Whether a map depends on what the model has learned, and on the class that is asked for.

import type * as tf from '@tensorflow/tfjs';
import { assertFields, assertMethods } from '../../core/kinds.ts';
import { assertModule } from '../../core/module.ts';
import { Rng } from '../../core/rng.ts';
import type { Model } from '../../models/model.ts';
import * as t from '../../ops/tensor.ts';
import type { ExplanationMethod, MethodOptions } from '../methods.ts';
import { rankCorrelation } from './metrics.ts';

/**
 * The rank correlation of the maps of a batch with those of the same model whose layers are shuffled, from the last to the first: one mean
 * for each number of layers, 0 layers first. A method that looks at the weights falls from 1.
 *
 * The values of each parameter of a layer are permuted, so that their distribution stays. The model has its own values afterwards, also
 * after an error.
 *
 * Source: Adebayo et al. 2018, "Sanity checks for saliency maps" (cascading randomisation).
 */
export async function parameterRandomisation(
  method: ExplanationMethod,
  model: Model,
  images: tf.Tensor4D,
  given: MethodOptions & { seed?: number } = {},
): Promise<number[]> {
  assertMethods('a method', 'method', method, ['run']);
  assertModule(model);
  assertFields('the options of parameterRandomisation', given, { seed: 'integer?' });
  const { seed = 0, ...options } = given;
  const first = await method.run(model, images, options);
  const target = options.target ?? first.targets;
  const groups = model.layerGroups();
  const layers = [...new Set(groups.values())].sort((a, b) => b - a);
  const parameters = model.namedParameters();
  const own = new Map([...parameters].map(([name, x]) => [name, t.clone(x)]));
  const means = [1];
  try {
    for (const layer of layers) {
      for (const [name, parameter] of parameters) {
        if (groups.get(name) !== layer) continue;
        const values = await parameter.data();
        const order = new Rng(seed).split('randomise', name).permutation(values.length);
        const shuffled = Float32Array.from(order, (i) => values[i]!);
        const tensor = t.tensor(shuffled, parameter.shape);
        parameter.assign(tensor);
        tensor.dispose();
      }
      const { maps } = await method.run(model, images, { ...options, target });
      const agreements = maps.map(({ data }, b) => rankCorrelation(data, first.maps[b]!.data));
      means.push(agreements.reduce((sum, value) => sum + value, 0) / agreements.length);
    }
    return means;
  } finally {
    for (const [name, values] of own) {
      parameters.get(name)!.assign(values);
      values.dispose();
    }
  }
}

/**
 * The mean rank correlation of the maps of a batch with those for another class, drawn for each image: 1 says that the class does not count.
 *
 * Source: Sixt et al. 2020, "When explanations lie" (random logit).
 */
export async function randomLogit(
  method: ExplanationMethod,
  model: Model,
  images: tf.Tensor4D,
  given: MethodOptions & { seed?: number } = {},
): Promise<number> {
  assertMethods('a method', 'method', method, ['run']);
  assertModule(model);
  assertFields('the options of randomLogit', given, { seed: 'integer?' });
  const { seed = 0, ...options } = given;
  const first = await method.run(model, images, options);
  const others = first.targets.map((target, b) => {
    const shift = 1 + (new Rng(seed).split('randomLogit', b).uint32() % (model.numClasses - 1));
    return (target + shift) % model.numClasses;
  });
  const second = await method.run(model, images, { ...options, target: others });
  const agreements = first.maps.map(({ data }, b) => rankCorrelation(data, second.maps[b]!.data));
  return agreements.reduce((sum, value) => sum + value, 0) / agreements.length;
}
