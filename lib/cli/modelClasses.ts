// The number of a model's classes, which the data set says where the config of the model does not.

import { isRecord } from '../core/check.ts';
import { optionNamed } from '../core/option.ts';
import { parseModelOptions } from '../models/createModel.ts';
import { familyOptions } from '../models/familyOptions.ts';

/** Whether the options of a model, in any vocabulary, say how many classes it has. */
export function saysClasses(model: unknown): boolean {
  const tables = Object.values(familyOptions);
  return (
    isRecord(model) &&
    Object.entries(model).some(
      ([key, value]) =>
        value !== undefined && tables.some((table) => optionNamed(table, key) === 'numClasses'),
    )
  );
}

/** A complete configuration for so many classes; one of a family without such an option stays as it is. */
export function withClasses(config: object, numClasses: number): object {
  return 'numClasses' in config ? parseModelOptions({ ...config, numClasses }) : config;
}
