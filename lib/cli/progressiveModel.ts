// The model of an experiment whose images grow.

import { isRecord } from '../core/check.ts';
import { optionNamed } from '../core/option.ts';
import { familyOptions } from '../models/familyOptions.ts';
import { familyWithSize } from '../models/registry.ts';

/**
 * The experiment with `dynamicImageSize` for its model, if its images grow and the model's family has the option; one that is given stays.
 *
 * @param family  of the checkpoint that the experiment begins with; default: that of the options
 */
export function withDynamicSize(
  experiment: Record<string, unknown>,
  family?: string,
): Record<string, unknown> {
  const { progressive, model } = experiment;
  if (progressive === undefined || progressive === null || !isRecord(model)) return experiment;
  const { name, family: given } = model;
  const sized = typeof name === 'string' ? familyWithSize(name.split('.')[0]!)?.family : undefined;
  const own = typeof given === 'string' ? given : (sized ?? family ?? 'vit');
  const options = familyOptions[own] ?? {};
  const isGiven = Object.keys(model).some(
    (key) => optionNamed(options, key) === 'dynamicImageSize',
  );
  if (isGiven || !Object.hasOwn(options, 'dynamicImageSize')) return experiment;
  return { ...experiment, model: { ...model, dynamicImageSize: true } };
}
