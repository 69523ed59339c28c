// Brings the tensors of a foreign checkpoint to the names and shapes of a Vision Transformer: names, heads, patches, position embeddings.

import { sizeOf } from '../../core/check.ts';
import { isNumericDtype, type HostTensor } from '../../checkpoints/hostTensor.ts';
import { adaptInputChannels } from '../../checkpoints/inputChannels.ts';
import type { AdaptOptions } from '../family.ts';
import { timmNames } from './foreignNames.ts';
import { resamplePatchEmbed } from './patchResample.ts';
import { onGrid } from './posEmbedGrid.ts';
import type { VisionTransformerConfig } from './optionTypes.ts';

type Tensors = ReadonlyMap<string, HostTensor>;

/**
 * The tensors of a checkpoint by timm's names and in the shapes of a configuration.
 *
 * Foreign names become timm's (`timmNames`). A patch embedding that was stored as a matrix gets the shape of a convolution, one of another
 * patch size is resampled (`resamplePatchEmbed`), and one for another number of channels is adapted, where `options.inputChannels` says so. A
 * learned position embedding is resampled to the grid of the configuration; it is that of a square grid, unless `options.source` says
 * another; on the same grid it stays as it is, to the bit.
 * A model without classes takes no head. Any other difference is left for the loader to report: a head of another number of classes has
 * no weights that fit.
 *
 * @param note     told, in a sentence each, what was left out or resampled; default: nobody
 * @param options  the filter of the resampling, the checkpoint's own configuration, and whether channels are adapted
 * @throws CheckpointError if the names cannot be brought to those of the model
 *
 * Source: `checkpoint_filter_fn` and `resample_abs_pos_embed` of timm.
 *
 * @example const own = adapt((await readTensors(bytes)).tensors, modelConfig('vit_tiny_patch16_384'), console.warn);
 */
export function adapt(
  tensors: Tensors,
  config: VisionTransformerConfig,
  note: (text: string) => void = () => undefined,
  options: AdaptOptions<VisionTransformerConfig> = {},
): Map<string, HostTensor> {
  const unused: string[] = [];
  const own = timmNames(tensors, (name) => unused.push(name), config.distilled);
  for (const name of own.keys()) {
    if (config.numClasses !== 0 || !/^head(_dist)?\.(weight|bias)$/.test(name)) continue;
    own.delete(name);
    unused.push(name);
  }
  leftOut(unused).forEach(note);
  unused.forEach((name) => options.onChange?.({ name, outcome: 'dropped' }));
  const change = (name: string, changed: (tensor: HostTensor) => HostTensor) => {
    const tensor = own.get(name);
    if (tensor === undefined) return;
    const made = changed(tensor);
    own.set(name, made);
    if (made.data === tensor.data) return;
    options.onChange?.({ name, outcome: 'resampled', from: tensor.shape, to: made.shape });
  };
  const patches = 'patch_embed.proj.weight';
  change(patches, (tensor) => asConvolution(tensor, config));
  if (options.inputChannels === true) change(patches, (tensor) => onChannels(tensor, config, note));
  change(patches, (tensor) => onPatches(tensor, config, note));
  change('pos_embed', (given) => {
    const { tensor, change: grids } = onGrid(given, config, options);
    if (grids !== undefined) {
      const how = options.posEmbedInterpolation === 'deit' ? ', bicubic without antialias' : '';
      const sizes = `from ${grids.from.join('×')} to ${grids.to.join('×')} patches`;
      note(`pos_embed is resampled ${sizes}${how}.`);
    }
    return tensor;
  });
  return own;
}

// A sentence for each name, and one for each group of many: a text tower has hundreds.
function leftOut(names: readonly string[]): string[] {
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const group = name.split('.').slice(0, -1).join('.').split('.')[0]!;
    groups.set(group, [...(groups.get(group) ?? []), name]);
  }
  return [...groups].flatMap(([group, own]) =>
    own.length > 8
      ? [`${own.length} tensors of ${group} are left out: the model has no use for them.`]
      : own.map((name) => `${name} is left out: the model has no use for it.`),
  );
}

function asConvolution(tensor: HostTensor, config: VisionTransformerConfig): HostTensor {
  const { embedDim, inChannels, patchSize } = config;
  const shape = [embedDim, inChannels, ...patchSize];
  const flat = tensor.shape.length < 4 && tensor.shape[0] === embedDim;
  return flat && sizeOf(tensor.shape) === sizeOf(shape) ? { ...tensor, shape } : tensor;
}

function onChannels(
  tensor: HostTensor,
  { inChannels }: VisionTransformerConfig,
  note: (text: string) => void,
): HostTensor {
  const [, own] = tensor.shape;
  if (own === inChannels || tensor.shape.length !== 4 || !isNumericDtype(tensor.dtype))
    return tensor;
  note(`patch_embed.proj.weight is adapted from ${own} to ${inChannels} channels.`);
  return adaptInputChannels(tensor, inChannels, 'patch_embed.proj.weight');
}

function onPatches(
  tensor: HostTensor,
  { patchSize, inChannels }: VisionTransformerConfig,
  note: (text: string) => void,
): HostTensor {
  const [, channels, height, width] = tensor.shape;
  const same = height === patchSize[0] && width === patchSize[1];
  const usable = tensor.shape.length === 4 && channels === inChannels;
  if (same || !usable || !isNumericDtype(tensor.dtype)) return tensor;
  const sizes = `from ${height}×${width} to ${patchSize.join('×')} pixels`;
  note(`patch_embed.proj.weight is resampled ${sizes}.`);
  return resamplePatchEmbed(tensor, patchSize);
}
