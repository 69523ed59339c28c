// The configuration of a ResNet: its checks, its named sizes, and what follows from it.

import { isRecord } from '../../core/check.ts';
import { InputError, expected } from '../../core/errors.ts';
import { parseOptions, withoutSparse } from '../../core/option.ts';
import { knownOptions } from '../knownOptions.ts';
import { huggingFaceResNetOptions, isHuggingFaceResNet } from './huggingFace.ts';
import { resNetOptions } from './options.ts';
import type { ResNetFields, ResNetOptions } from './optionTypes.ts';

export type { ResNetOptions };

/** A complete configuration; its key `family` leads a stored model back to the family. */
export type ResNetConfig = ResNetFields & { readonly family: 'resnet' };

/** The named sizes: how they differ from the default. */
export const resNetSizes: Readonly<Record<string, ResNetOptions>> = {
  resnet18: { layers: [2, 2, 2, 2] },
  resnet34: { layers: [3, 4, 6, 3] },
  resnet50: { block: 'bottleneck', layers: [3, 4, 6, 3] },
  resnet101: { block: 'bottleneck', layers: [3, 4, 23, 3] },
  resnet152: { block: 'bottleneck', layers: [3, 8, 36, 3] },
};

const maxParameters = 2 ** 33;

/**
 * A complete configuration from options, in torchvision's, timm's or Hugging Face's names: case, dashes and underscores do not count.
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
  const config = withoutSparse(resNetOptions, { ...parsed, smallInput });
  assertBuildable(config);
  return { family: 'resnet', ...config };
}

/** The options by our names, values as given; null and undefined are left out. @throws InputError for a name it does not know */
export function knownResNetOptions(given: unknown): Record<string, unknown> {
  if (!isRecord(given)) {
    throw new InputError(expected('an object of model options', 'config', given));
  }
  const options = isHuggingFaceResNet(given) ? huggingFaceResNetOptions(given) : given;
  // The one pooling of a ResNet, which timm's config.json names.
  const { global_pool: pool, ...others } = options;
  return knownOptions(resNetOptions, pool === 'avg' ? others : options, 'a ResNet');
}

/** The configuration of a named size. @throws InputError as `parseResNetConfig` */
export function resNetSize(name: string, overrides: object = {}): ResNetConfig {
  return parseResNetConfig({ ...resNetSizes[name], ...knownResNetOptions(overrides) });
}

/** A block of a ResNet: its path, the channels before, inside and after it, and the stride of its 3×3 convolution. */
export interface BlockPlace {
  path: string;
  inPlanes: number;
  planes: number;
  outPlanes: number;
  stride: number;
}

/** The options that decide the blocks. */
export type BlockOptions = Pick<ResNetFields, 'layers' | 'planes'> &
  Partial<Pick<ResNetFields, 'block' | 'stemWidth'>>;

/** The channels that the stem gives: `stemWidth`, else those of the first stage. */
export function stemPlanes({ planes, stemWidth }: Omit<BlockOptions, 'layers'>): number {
  return stemWidth ?? planes[0]!;
}

/** The channels after each stage. */
export function stagePlanes({ planes, block }: Omit<BlockOptions, 'layers'>): number[] {
  return planes.map((width) => (block === 'bottleneck' ? 4 * width : width));
}

/** Whether the shortcut of a block has to change the input, because its result has another shape. */
export function changesShape({
  stride,
  inPlanes,
  outPlanes,
}: Pick<BlockPlace, 'stride' | 'inPlanes' | 'outPlanes'>): boolean {
  return stride !== 1 || inPlanes !== outPlanes;
}

/** The blocks in order. The first of every stage but the first halves the resolution. */
export function blockPlaces(options: BlockOptions): BlockPlace[] {
  const { layers, planes } = options;
  const outputs = stagePlanes(options);
  const before = [stemPlanes(options), ...outputs];
  return layers.flatMap((blocks, stage) =>
    Array.from({ length: blocks }, (_, i) => ({
      path: `layer${stage + 1}.${i}`,
      inPlanes: i === 0 ? before[stage]! : outputs[stage]!,
      planes: planes[stage]!,
      outPlanes: outputs[stage]!,
      stride: i === 0 && stage > 0 ? 2 : 1,
    })),
  );
}

function assertBuildable(config: ResNetFields): void {
  const { layers, planes } = config;
  if (layers.length < 1 || layers.length > 4) {
    throw new InputError(expected('1 to 4 stages', 'layers', layers));
  }
  if (planes.length !== layers.length) {
    const what = `${layers.length} integers, one for each stage of layers,`;
    throw new InputError(expected(what, 'planes', planes));
  }
  const weights = blockPlaces(config).map(({ inPlanes, planes, outPlanes }) =>
    config.block === 'bottleneck'
      ? planes * (inPlanes + 9 * planes + outPlanes)
      : 9 * planes * (inPlanes + planes),
  );
  const head = stagePlanes(config).at(-1)! * config.numClasses;
  const parameters = weights.reduce((sum, size) => sum + size, head);
  if (parameters <= maxParameters) return;
  const remedy = 'Make planes or layers smaller.';
  throw new InputError(expected('at most 2³³ parameters', 'the model', parameters, remedy));
}
