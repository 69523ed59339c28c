// The registry of model families: found by their name, by a size, or by a configuration.

import { assertRegistrable, isRecord } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import { builtInFamilies } from './families.ts';
import type { ModelFamily } from './family.ts';
import type { Model } from './model.ts';

const families = new Map(builtInFamilies.map((family) => [family.family, family]));

/**
 * Adds a family, so that `createModel`, `loadModel` and the command line know its models.
 *
 * The command line knows it once a module that calls this is loaded: the config of the experiment, or a file that Node is told
 * to import.
 *
 * @throws InputError if a registered family has its name or one of its sizes, or a method is missing
 *
 * @example
 * registerModelFamily(mlp);
 * createModel('mlp_small');
 * // node --import ./mlp.js node_modules/.bin/tfjs-vit eval --checkpoint runs/mlp
 */
export function registerModelFamily(family: ModelFamily): void {
  const methods = ['names', 'config', 'parseConfig', 'recognizes', 'build'];
  assertRegistrable('a model family', family, { name: 'family', methods });
  const { family: name } = family;
  if (!/^\w+$/.test(name)) {
    throw new InputError(expected('letters, digits and _', 'the name of a family', name));
  }
  if (families.has(name)) {
    throw new InputError(expected('a name that is free', 'the name of a family', name));
  }
  const taken = family.names().find((size) => familyWithSize(size) !== undefined);
  if (taken !== undefined) {
    throw new InputError(expected('names that are free', `the sizes of ${name}`, taken));
  }
  families.set(name, family);
}

/** The registered families, those of the library first. */
export function modelFamilies(): readonly ModelFamily[] {
  return [...families.values()];
}

/** The family of a name. @throws InputError with the nearest registered one */
export function modelFamily(name: string): ModelFamily {
  const found = families.get(name);
  if (found !== undefined) return found;
  const names = [...families.keys()];
  const near = didYouMean(name, names, `Registered: ${names.join(', ')}.`);
  const remedy = `${near} A module that calls registerModelFamily adds others: node --import ./family.js …`;
  throw new InputError(expected('a registered model family', 'family', name, remedy));
}

/**
 * The family of a configuration: the one that its key `family` names, else the one that recognizes it. The family that was registered
 * last is asked first.
 *
 * @throws InputError if it is no object, names an unknown family, or no family recognizes it
 */
export function familyOf(config: unknown): ModelFamily {
  if (!isRecord(config)) {
    throw new InputError(expected('an object of model options', 'config', config));
  }
  const options: Readonly<Record<string, unknown>> = config;
  const { family } = options;
  if (typeof family === 'string') return modelFamily(family);
  if (family != null) throw new InputError(expected('a name', 'family', family));
  const found = modelFamilies().findLast((one) => one.recognizes(options));
  if (found !== undefined) return found;
  const remedy = `Give family, one of ${[...families.keys()].join(', ')}.`;
  throw new InputError(
    expected('a configuration of a registered family', 'config', config, remedy),
  );
}

/** The family that has a size of this name; undefined if none has. */
export function familyWithSize(name: string): ModelFamily | undefined {
  return modelFamilies().find((one) => one.knows?.(name) ?? one.names().includes(name));
}

/**
 * The configuration of a model as it is stored: what JSON keeps of it.
 *
 * @throws InputError if it would not lead back to the model's family
 */
export function storedConfig({ config, family }: Pick<Model, 'config' | 'family'>): object {
  if (!isRecord(config)) {
    throw new InputError(expected('an object', `the config of a model of ${family}`, config));
  }
  const stored = JSON.parse(JSON.stringify(config)) as object;
  const found = familyOf(stored).family;
  if (found === family) return stored;
  const remedy = `Put family: '${family}' into the configuration, or let the family recognize it.`;
  throw new InputError(expected(`a configuration of ${family}`, 'the stored model', found, remedy));
}
