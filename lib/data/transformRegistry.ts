// The registry of transforms by name: a config lists its augmentation as named steps in order, which are plain data.

import { assertRegistrable, isRecord } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import { parseOptions } from '../core/option.ts';
import { autoAugment } from './augment/autoAugment.ts';
import { colorJitter } from './augment/colorJitter.ts';
import {
  randomCrop,
  randomHorizontalFlip,
  randomResizedCrop,
  randomVerticalFlip,
} from './augment/randomCrops.ts';
import { centerCrop, resize } from './evalTransforms.ts';
import { fit } from './fitImage.ts';
import { randomAffine } from './randomAffine.ts';
import { randomElastic } from './randomElastic.ts';
import { toRgb } from './toRgb.ts';
import * as tables from './transformOptions.ts';
import type { OptionTable } from '../core/option.ts';
import type { Transform } from './transform.ts';
import { withOrigin } from './transform.ts';
import type * as options from './transformOptionTypes.ts';

/** One step of a config: the name of a transform, and its options beside it. */
export type TransformStep =
  | ({ readonly name: 'randomAffine' } & options.RandomAffineOptions)
  | ({ readonly name: 'randomElastic' } & options.RandomElasticOptions)
  | ({ readonly name: 'fit' } & options.FitOptions)
  | ({ readonly name: 'resize' } & options.ResizeOptions)
  | ({ readonly name: 'centerCrop' } & options.CenterCropOptions)
  | ({ readonly name: 'randomResizedCrop' } & options.RandomResizedCropOptions)
  | ({ readonly name: 'randomCrop' } & options.RandomCropOptions)
  | ({ readonly name: 'randomHorizontalFlip' } & options.RandomFlipOptions)
  | ({ readonly name: 'randomVerticalFlip' } & options.RandomFlipOptions)
  | ({ readonly name: 'colorJitter' } & options.ColorJitterOptions)
  | ({ readonly name: 'autoAugment' } & options.AutoAugmentOptions)
  | { readonly name: 'toRgb' }
  | RegisteredStep;

/** A step of a transform from outside. */
export interface RegisteredStep {
  readonly name: string;
  readonly [option: string]: unknown;
}

/**
 * A transform that a config can name.
 *
 * @property options  the table of its options, by which they are checked
 * @property make     the transform of options that were checked and have their defaults
 */
export interface NamedTransform {
  readonly name: string;
  readonly options: OptionTable;
  make(options: Readonly<Record<string, unknown>>): Transform;
}

const registered = new Map<string, NamedTransform>();

/**
 * Registers a transform under its name, for configs.
 *
 * @throws InputError if the name is taken by another transform, or there is none, or no `make`
 *
 * @example registerTransform({name: 'invert', options: {}, make: () => invert});   // {name: 'invert'} in a config
 */
export function registerTransform(transform: NamedTransform): void {
  assertRegistrable('a transform', transform, { name: 'name', methods: ['make'] });
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
  if (!isRecord(step)) {
    throw new InputError(expected('an object with a name', place, step));
  }
  const { name, ...options } = step;
  const found = typeof name === 'string' ? registered.get(name) : undefined;
  if (found === undefined) {
    const names = transformNames();
    const otherwise = 'Register it with registerTransform.';
    const remedy = typeof name === 'string' ? didYouMean(name, names, otherwise) : '';
    throw new InputError(expected(`one of ${names.join(', ')}`, `${place}.name`, name, remedy));
  }
  const what = `an option of ${found.name} (${place})`;
  return found.make(parseOptions(found.options, options, { name: place, what }));
}

// The tables check the options, so what reaches `make` has the type that it takes.
const own: readonly [string, OptionTable, (options: never) => Transform][] = [
  ['randomAffine', tables.randomAffineOptions, randomAffine],
  ['randomElastic', tables.randomElasticOptions, randomElastic],
  ['fit', tables.fitOptions, fit],
  ['resize', tables.resizeOptions, resize],
  ['centerCrop', tables.centerCropOptions, centerCrop],
  ['randomResizedCrop', tables.randomResizedCropOptions, randomResizedCrop],
  ['randomCrop', tables.randomCropOptions, randomCrop],
  ['randomHorizontalFlip', tables.randomFlipOptions, randomHorizontalFlip],
  ['randomVerticalFlip', tables.randomFlipOptions, randomVerticalFlip],
  ['colorJitter', tables.colorJitterOptions, colorJitter],
  ['autoAugment', tables.autoAugmentOptions, autoAugment],
  ['toRgb', {}, () => withOrigin('toRgb', {}, toRgb)],
];

for (const [name, table, make] of own) {
  registerTransform({ name, options: table, make: (options) => make(options as never) });
}
