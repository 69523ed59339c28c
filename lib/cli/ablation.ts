// The ingredients of a training recipe that `tfjs-vit ablate` switches off, and the variants of an experiment without them.

import { isRecord } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import {
  isErasing,
  isJittering,
  isMixing,
  parseAugmentOptions,
  type FullAugmentOptions,
} from '../data/augment/createTransform.ts';

/** An experiment as plain data: what a config file exports, with the values of flags in it. */
export type PlainExperiment = Record<string, unknown>;

/**
 * A variant of an experiment.
 *
 * @property name     names its row: `base`, `no-mixup`, `all-off`
 * @property without  the ingredients that are off in it and on in the base; empty: it is the base
 */
export interface Variant {
  readonly name: string;
  readonly without: readonly Ingredient[];
  readonly experiment: PlainExperiment;
}

interface Parts {
  readonly experiment: PlainExperiment;
  /** The options of `data.augment` with their defaults; undefined if the experiment has none. */
  readonly augment: FullAugmentOptions | undefined;
  /** The names of `data.trainTransforms`; undefined if `data.augment` makes the steps. */
  readonly steps: readonly string[] | undefined;
}

interface IngredientEffect {
  readonly describe: string;
  isOn(parts: Parts): boolean;
  off(parts: Parts): PlainExperiment;
}

/** Steps that bring an image to its size and augment nothing. */
const fixedSteps = ['resize', 'fit', 'centerCrop'];

const effects = {
  aug: {
    describe: 'every augmentation of single images, erasing among them (--no-aug)',
    isOn: ({ augment, steps }) =>
      steps?.some((name) => !fixedSteps.includes(name)) ??
      (augment !== undefined && !augment.noAug),
    off: (parts) =>
      parts.steps === undefined
        ? augmented(parts, { noAug: true })
        : augmented(
            withoutSteps(parts, (name) => !fixedSteps.includes(name)),
            { reprob: 0 },
          ),
  },
  aa: {
    describe: 'the policy: AutoAugment, RandAugment or 3-Augment (--aa none)',
    isOn: ({ augment, steps }) =>
      steps?.includes('autoAugment') ??
      (augment !== undefined && !augment.noAug && (augment.aa !== null || augment.threeAugment)),
    // Without a policy timm's rule would turn the colour jitter on, which is another ingredient.
    off: (parts) =>
      parts.steps === undefined
        ? augmented(parts, {
            aa: null,
            threeAugment: false,
            ...(!isJittering(parts.augment!) && { colorJitter: 0 }),
          })
        : withoutSteps(parts, (name) => name === 'autoAugment').experiment,
  },
  mixup: {
    describe: 'mixing of whole images (--mixup 0)',
    isOn: ({ augment }) => augment !== undefined && isMixing(augment) && augment.mixup > 0,
    off: (parts) => augmented(parts, { mixup: 0 }),
  },
  cutmix: {
    describe: 'mixing of boxes (--cutmix 0)',
    isOn: ({ augment }) =>
      augment !== undefined && (augment.cutmix > 0 || augment.cutmixMinmax !== null),
    off: (parts) => augmented(parts, { cutmix: 0, cutmixMinmax: null }),
  },
  smoothing: {
    describe: 'label smoothing (--smoothing 0)',
    isOn: ({ experiment }) =>
      typeof experiment['smoothing'] === 'number' && experiment['smoothing'] > 0,
    off: ({ experiment }) => ({ ...experiment, smoothing: 0 }),
  },
  reprob: {
    describe: 'random erasing (--reprob 0)',
    isOn: ({ augment }) => augment !== undefined && isErasing(augment),
    off: (parts) => augmented(parts, { reprob: 0 }),
  },
  'color-jitter': {
    describe: 'colour jitter (--color-jitter 0), which a policy replaces',
    isOn: ({ augment, steps }) =>
      steps?.includes('colorJitter') ??
      (augment !== undefined && !augment.noAug && isJittering(augment)),
    off: (parts) =>
      parts.steps === undefined
        ? augmented(parts, { colorJitter: 0 })
        : withoutSteps(parts, (name) => name === 'colorJitter').experiment,
  },
} as const satisfies Record<string, IngredientEffect>;

/** An ingredient, by its flag of `train`. */
export type Ingredient = keyof typeof effects;

/** Every ingredient. */
export const ingredients = Object.keys(effects) as Ingredient[];

/** The sentence on an ingredient. */
export function describeIngredient(name: Ingredient): string {
  return effects[name].describe;
}

/** The ingredients of a list with commas, each once. @throws InputError naming one that is not known, and the nearest */
export function parseIngredients(text: string): Ingredient[] {
  const names = text.split(',').map((name) => name.trim());
  const found = names.map((name) => {
    const known = ingredients.find((one) => one === name);
    if (known !== undefined) return known;
    const remedy = didYouMean(name, ingredients);
    throw new InputError(expected(`names among ${ingredients.join(', ')}`, '--vary', name, remedy));
  });
  return [...new Set(found)];
}

/**
 * The variants of an experiment: itself, each ingredient off by itself, and all of them off. An ingredient that the experiment does
 * not have, or that has no effect in it, makes no variant.
 *
 * @param names  the ingredients to switch off
 * @returns the variants, and the ingredients that are off already
 * @throws InputError if the augmentation of the experiment cannot be used
 */
export function variantsOf(
  experiment: PlainExperiment,
  names: readonly Ingredient[],
): { variants: Variant[]; idle: Ingredient[] } {
  const on = names.filter((name) => effects[name].isOn(partsOf(experiment)));
  const idle = names.filter((name) => !on.includes(name));
  const without = (list: readonly Ingredient[]): PlainExperiment =>
    list.reduce((left, name) => {
      const parts = partsOf(left);
      return effects[name].isOn(parts) ? effects[name].off(parts) : left;
    }, experiment);
  const variants: Variant[] = [
    { name: 'base', without: [], experiment },
    ...on.map((name) => ({ name: `no-${name}`, without: [name], experiment: without([name]) })),
  ];
  if (on.length > 1) variants.push({ name: 'all-off', without: on, experiment: without(on) });
  return { variants, idle };
}

function partsOf(experiment: PlainExperiment): Parts {
  const { data } = experiment;
  if (!isRecord(data)) throw new InputError(expected('an object with dataset', 'data', data));
  const { augment, trainTransforms } = data;
  return {
    experiment,
    augment: augment == null ? undefined : parseAugmentOptions(augment),
    steps: Array.isArray(trainTransforms)
      ? trainTransforms.map((step: unknown) => (isRecord(step) ? String(step['name']) : ''))
      : undefined,
  };
}

// The experiment with other options of augmentation; without any there is nothing to change.
function augmented({ experiment }: Parts, options: Record<string, unknown>): PlainExperiment {
  const data = experiment['data'] as Record<string, unknown>;
  const { augment } = data;
  if (!isRecord(augment)) return experiment;
  return { ...experiment, data: { ...data, augment: { ...augment, ...options } } };
}

function withoutSteps(parts: Parts, isOff: (name: string) => boolean): Parts {
  const data = parts.experiment['data'] as Record<string, unknown>;
  const steps = (data['trainTransforms'] as { name: string }[]).filter(({ name }) => !isOff(name));
  return partsOf({ ...parts.experiment, data: { ...data, trainTransforms: steps } });
}
