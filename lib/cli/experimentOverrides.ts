// A config with the values of flags in it.

import { isRecord } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';

/**
 * A copy of the config with values put at their paths: `optimizer.weightDecay`.
 *
 * A model by its name takes the place of one by its sizes, of which stays what the name does not say: classes, channels, dropouts.
 *
 * @throws InputError if a group on a path is no object
 */
export function withOverrides(
  config: unknown,
  overrides: ReadonlyMap<string, unknown>,
): Record<string, unknown> {
  if (!isRecord(config)) {
    throw new InputError(expected('an experiment', 'the config', config));
  }
  const result: Record<string, unknown> = { ...config };
  if (overrides.has('model.name')) result['model'] = besideName(result['model']);
  for (const [key, value] of overrides) {
    const names = key.split('.');
    // A group that is turned on keeps what the config says of it.
    if (isRecord(value) && isRecord(result[key])) continue;
    const last = names.pop()!;
    let at = result;
    for (const name of names) {
      const group = at[name] ?? {};
      if (!isRecord(group)) throw new InputError(expected('an object', name, group));
      at[name] = { ...group };
      at = at[name] as Record<string, unknown>;
    }
    at[last] = value;
  }
  const { clip } = result;
  if (overrides.has('clip.mode') && isRecord(clip) && clip['value'] === undefined) {
    throw new InputError('Expected --clip-grad X with --clip-mode, received none.');
  }
  return result;
}

/** Options of a model that no name of a size says. */
const unsized =
  /^(numClasses|inChannels|seed|weightInit|dropRate|(pos|proj|attn)DropRate|dropPathRate|dropout)$/;

function besideName(model: unknown): unknown {
  if (!isRecord(model) || model['name'] !== undefined) return model;
  return Object.fromEntries(Object.entries(model).filter(([key]) => unsized.test(key)));
}
