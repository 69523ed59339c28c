// Hugging Face's ResNet: its config.json and its names.

import { isRecord } from '../../core/check.ts';
import { InputError, expected } from '../../core/errors.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Whether a configuration is one of Hugging Face's ResNets. */
export function isHuggingFaceResNet(options: Fields): boolean {
  return options['model_type'] === 'resnet';
}

/**
 * The options of a ResNet in our names, from a config.json of Hugging Face.
 *
 * @throws InputError for a variant that is not built: the stride in the first 1×1 convolution, a first stage that halves the
 *   resolution, another activation than ReLU
 *
 * Source: transformers/models/resnet/configuration_resnet.py.
 */
export function huggingFaceResNetOptions(options: Fields): Record<string, unknown> {
  const { layer_type: kind = 'bottleneck', hidden_sizes: sizes = [256, 512, 1024, 2048] } = options;
  refuseUnless(options, 'downsample_in_bottleneck', false);
  refuseUnless(options, 'downsample_in_first_stage', false);
  refuseUnless(options, 'hidden_act', 'relu');
  if (!Array.isArray(sizes) || !sizes.every((size) => Number.isSafeInteger(size))) {
    throw new InputError(expected('a list of sizes', 'hidden_sizes', sizes));
  }
  const block: unknown = kind;
  const share = block === 'bottleneck' ? 4 : 1;
  const { num_labels: labels, id2label: names } = options;
  const classes = labels ?? (isRecord(names) ? Object.keys(names).length : undefined);
  const told = {
    block,
    layers: options['depths'] ?? [3, 4, 6, 3],
    planes: sizes.map((size: number) => size / share),
    stemWidth: options['embedding_size'] ?? 64,
    smallInput: false,
    inChannels: options['num_channels'],
    imageSize: options['image_size'],
    numClasses: classes,
  };
  return Object.fromEntries(Object.entries(told).filter(([, value]) => value != null));
}

function refuseUnless(options: Fields, key: string, only: unknown): void {
  const { [key]: value = only } = options;
  if (value === only) return;
  throw new InputError(expected(String(only), `${key} of config.json`, value, 'It is not built.'));
}

const places: readonly (readonly [RegExp, string])[] = [
  [/^embedder\.embedder\.convolution\./, 'conv1.'],
  [/^embedder\.embedder\.normalization\./, 'bn1.'],
  [/^classifier\.1\./, 'fc.'],
];

/** torchvision's name of a tensor that Hugging Face's ResNet names; another name stays as it is. */
export function torchvisionName(given: string): string {
  const name = given.replace(/^resnet\./, '');
  for (const [pattern, own] of places) if (pattern.test(name)) return name.replace(pattern, own);
  const match =
    /^encoder\.stages\.(\d+)\.layers\.(\d+)\.(?:layer\.(\d+)|(shortcut))\.(convolution|normalization)\.(.*)$/.exec(
      name,
    );
  if (match === null) return given;
  const [, stage, block, layer, shortcut, kind, end] = match;
  const number = Number(layer) + 1;
  const convolves = kind === 'convolution';
  const part =
    shortcut === undefined
      ? `${convolves ? 'conv' : 'bn'}${number}`
      : `downsample.${convolves ? 0 : 1}`;
  return `layer${Number(stage) + 1}.${block}.${part}.${end}`;
}
