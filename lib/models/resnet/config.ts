// The configuration of a ResNet: its checks, its named sizes, and what follows from it.

import { isRecord } from '../../core/check.ts';
import { InputError, expected } from '../../core/errors.ts';
import { didYouMean } from '../../core/nearest.ts';
import { optionNamed, parseOptions } from '../../core/option.ts';
import { resNetOptions } from './options.ts';
import type { ResNetFields, ResNetOptions } from './optionTypes.ts';

export type { ResNetOptions };

/** A complete configuration; its key `family` leads a stored model back to the family. */
export type ResNetConfig = ResNetFields & { readonly family: 'resnet' };

/** The named sizes: how they differ from the default. */
export const resNetSizes: Readonly<Record<string, ResNetOptions>> = {
  resnet18: { layers: [2, 2, 2, 2] },
  resnet34: { layers: [3, 4, 6, 3] },
};

const maxParameters = 2 ** 33;

/**
 * A complete configuration from options, in torchvision's or timm's names: case, dashes and underscores do not count.
 *
 * @throws InputError naming the option that is unknown, given twice or out of range
 *
 * @example parseResNetConfig({imageSize: 28, in_chans: 1, num_classes: 10}).smallInput; // true
 */
export function parseResNetConfig(options: unknown): ResNetConfig {
  const values = knownResNetOptions(options);
  const given = values['imageSize'];
  if (typeof given === 'number') values['imageSize'] = [given, given];
  const parsed = parseOptions<ResNetFields>(resNetOptions, values, { what: 'a model option' });
  const smallInput = parsed.smallInput ?? Math.max(...parsed.imageSize) <= 64;
  const config = { ...parsed, smallInput };
  assertBuildable(config);
  return { family: 'resnet', ...config };
}

/** The options by our names, values as given; null and undefined are left out. @throws InputError for a name it does not know */
export function knownResNetOptions(options: unknown): Record<string, unknown> {
  if (!isRecord(options)) {
    throw new InputError(expected('an object of model options', 'config', options));
  }
  const values: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(options)) {
    if (value == null || key === 'family') continue;
    const field = optionNamed(resNetOptions, key);
    if (field === undefined) {
      const near = didYouMean(key, Object.keys(resNetOptions), 'docs/options.md lists them.');
      throw new InputError(expected('an option of a ResNet', 'config', key, near));
    }
    const before = values[field];
    if (before !== undefined && JSON.stringify(before) !== JSON.stringify(value)) {
      const what = `the same value as ${field} ${JSON.stringify(before)}`;
      throw new InputError(expected(what, key, value, 'Give one of the two.'));
    }
    values[field] = value;
  }
  return values;
}

/** The configuration of a named size. @throws InputError as `parseResNetConfig` */
export function resNetSize(name: string, overrides: object = {}): ResNetConfig {
  return parseResNetConfig({ ...resNetSizes[name], ...knownResNetOptions(overrides) });
}

/** A block of a ResNet: its path, its channels, and the stride of its first convolution. */
export interface BlockPlace {
  path: string;
  inPlanes: number;
  planes: number;
  stride: number;
}

/** The blocks in order. The first of every stage but the first halves the resolution. */
export function blockPlaces({
  layers,
  planes,
}: Pick<ResNetFields, 'layers' | 'planes'>): BlockPlace[] {
  return layers.flatMap((blocks, stage) =>
    Array.from({ length: blocks }, (_, i) => ({
      path: `layer${stage + 1}.${i}`,
      inPlanes: planes[i === 0 ? Math.max(0, stage - 1) : stage]!,
      planes: planes[stage]!,
      stride: i === 0 && stage > 0 ? 2 : 1,
    })),
  );
}

function assertBuildable(config: ResNetFields): void {
  const weights = blockPlaces(config).map(
    (place) => 9 * place.planes * (place.inPlanes + place.planes),
  );
  const head = config.planes[3]! * config.numClasses;
  const parameters = weights.reduce((sum, size) => sum + size, head);
  if (parameters <= maxParameters) return;
  const remedy = 'Make planes or layers smaller.';
  throw new InputError(expected('at most 2³³ parameters', 'the model', parameters, remedy));
}
