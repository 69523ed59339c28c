// The options of a model that follow from the data where nobody gave them: its classes and its channels.

import { isRecord } from '../core/check.ts';
import { optionNamed } from '../core/option.ts';
import { parsedModel } from '../models/createModel.ts';
import { familyOptions } from '../models/familyOptions.ts';
import { descriptorOf, type DataConfig } from './dataset.ts';
import type { Dataset } from '../data/dataset.ts';

/** The properties of the data that decide options of a model. */
export interface DataFacts {
  readonly numClasses: number;
  readonly inChannels: number;
}

/** The properties of the data of a config. */
export function dataFacts(
  data: DataConfig,
  { numClasses }: Pick<Dataset, 'numClasses'>,
): DataFacts {
  return { numClasses, inChannels: descriptorOf(data).inputChannels };
}

/**
 * The options of a model with the classes and channels of the data, where they are not given by any of their names.
 *
 * Families without a table of options in `familyOptions` get theirs as they are.
 */
export function followData(model: unknown, facts: DataFacts): unknown {
  if (!isRecord(model)) return model;
  const table = familyOptions[parsedModel(model).family.family];
  if (table === undefined) return model;
  const said = Object.keys(model).filter((key) => model[key] !== undefined);
  const given = new Set(said.map((key) => optionNamed(table, key)));
  const missing = Object.entries(facts).filter(
    ([name]) => Object.hasOwn(table, name) && !given.has(name),
  );
  return { ...model, ...Object.fromEntries(missing) };
}
