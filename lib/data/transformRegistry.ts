// The registry of transforms by name: a config lists its augmentation as named steps in order, which are plain data.

import { InputError, expected } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import { fit, type FitOptions } from './fitImage.ts';
import { randomAffine, type RandomAffineOptions } from './randomAffine.ts';
import { randomElastic, type RandomElasticOptions } from './randomElastic.ts';
import type { Transform } from './transform.ts';

/** One step of a config: the name of a transform, and its options beside it. */
export interface TransformStep {
  readonly name: string;
  readonly [option: string]: unknown;
}

/**
 * A transform that a config can name.
 *
 * @property options  the names of its options; others are refused
 * @property make     the transform of some options; it checks their values
 */
export interface NamedTransform {
  readonly name: string;
  readonly options: readonly string[];
  make(options: Readonly<Record<string, unknown>>): Transform;
}

const registered = new Map<string, NamedTransform>();

/**
 * Registers a transform under its name, for configs.
 *
 * @throws InputError if the name is taken by another transform
 *
 * @example registerTransform({name: 'invert', options: [], make: () => invert});   // {name: 'invert'} in a config
 */
export function registerTransform(transform: NamedTransform): void {
  const known = registered.get(transform.name);
  if (known !== undefined && known !== transform) {
    const remedy = 'It is registered already.';
    throw new InputError(expected('a new name', 'the transform', transform.name, remedy));
  }
  registered.set(transform.name, transform);
}

/** The names of all registered transforms, in the order of their registration. */
export function transformNames(): string[] {
  return [...registered.keys()];
}

/**
 * The transforms of a list of steps, in its order.
 *
 * @param name  how errors call the list: `data.trainTransforms`
 * @throws InputError naming the step, for a name or an option that is not known, and for values that cannot be used
 *
 * @example makeTransforms([{name: 'randomElastic', strength: 0.3}, {name: 'randomAffine', degrees: 10}]);
 */
export function makeTransforms(steps: unknown, name = 'transforms'): Transform[] {
  if (!Array.isArray(steps)) {
    throw new InputError(expected('a list of steps with a name', name, steps));
  }
  return steps.map((step, i) => makeTransform(step, `${name}[${i}]`));
}

function makeTransform(step: unknown, place: string): Transform {
  if (typeof step !== 'object' || step === null || Array.isArray(step)) {
    throw new InputError(expected('an object with a name', place, step));
  }
  const { name, ...options } = step as Record<string, unknown>;
  const found = typeof name === 'string' ? registered.get(name) : undefined;
  if (found === undefined) {
    const names = transformNames();
    const remedy = didYouMean(String(name), names, 'Register it with registerTransform.');
    throw new InputError(expected(`one of ${names.join(', ')}`, `${place}.name`, name, remedy));
  }
  const unknown = Object.keys(options).find((key) => !found.options.includes(key));
  if (unknown !== undefined) {
    const known = found.options.length === 0 ? 'no option' : `one of ${found.options.join(', ')}`;
    const remedy = didYouMean(unknown, found.options);
    throw new InputError(expected(known, `an option of ${found.name} (${place})`, unknown, remedy));
  }
  return found.make(options);
}

registerTransform({
  name: 'randomAffine',
  options: ['degrees', 'translate', 'scale', 'shear', 'fill'],
  make: (options) => randomAffine(options as RandomAffineOptions),
});

registerTransform({
  name: 'randomElastic',
  options: ['strength', 'cells', 'fill'],
  make: (options) => randomElastic(options as unknown as RandomElasticOptions),
});

registerTransform({
  name: 'fit',
  options: ['height', 'width', 'cropMode', 'interpolation'],
  make: (options) => fit(options as unknown as FitOptions),
});
