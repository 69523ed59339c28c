// Brings the tensors of a foreign checkpoint to the names and shapes of a Vision Transformer: prefixes, Hugging Face's names, heads,
// position embeddings.

import { sizeOf } from '../../core/check.ts';
import { isNumericDtype, toFloat32, type HostTensor } from '../../checkpoints/hostTensor.ts';
import { adaptInputChannels } from '../../checkpoints/inputChannels.ts';
import { resampleMatrix } from '../../ops/resampleMatrix.ts';
import type { AdaptOptions, PosEmbedInterpolation } from '../family.ts';
import { gridSizeOf } from './config.ts';
import { fromHuggingFace, isHuggingFace } from './huggingFace.ts';
import { placedPrefix } from './tokens.ts';
import type { VisionTransformerConfig } from './optionTypes.ts';

type Tensors = ReadonlyMap<string, HostTensor>;

// Wrappers around a model: DataParallel, torch.compile, Lightning, transformers around timm, OpenCLIP around timm.
const wrappers = ['module.', '_orig_mod.', 'model.', 'timm_model.', 'visual.trunk.'];

/**
 * The tensors of a checkpoint by timm's names and in the shapes of a configuration.
 *
 * timm's and DeiT's names stay as they are. A prefix that all names share is taken off, Hugging Face's names become timm's
 * (`fromHuggingFace`), and `gamma_1` of DeiT III `ls1.gamma`. A patch embedding that was stored as a matrix gets the shape of a
 * convolution. A learned position embedding is resampled to the grid of the configuration; it is that of a square grid, unless
 * `options.source` says another.
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
  const leftOut = (name: string) => note(`${name} is left out: the model has no use for it.`);
  const bare = withoutWrappers(tensors);
  const named = isHuggingFace(bare) ? fromHuggingFace(bare, config, leftOut) : bare;
  const own = new Map<string, HostTensor>();
  for (const [name, tensor] of named) {
    const dropped =
      /(^pre_logits\.|(^|\.)num_batches_tracked$)/.test(name) ||
      (config.numClasses === 0 && isHead(name));
    if (dropped) leftOut(name);
    else own.set(name.replace(/\.gamma_([12])$/, '.ls$1.gamma'), tensor);
  }
  const change = (name: string, changed: (tensor: HostTensor) => HostTensor) => {
    const tensor = own.get(name);
    if (tensor !== undefined) own.set(name, changed(tensor));
  };
  change('patch_embed.proj.weight', (tensor) => asConvolution(tensor, config));
  if (options.inputChannels === true) {
    change('patch_embed.proj.weight', (tensor) => onChannels(tensor, config, note));
  }
  change('pos_embed', (tensor) => onGrid(tensor, config, options, note));
  return own;
}

function isHead(name: string): boolean {
  return /^head(_dist)?\.(weight|bias)$/.test(name);
}

function withoutWrappers(tensors: Tensors): Tensors {
  const names = [...tensors.keys()];
  if (names.length === 0) return tensors;
  const prefix = wrappers.find((one) => names.every((name) => name.startsWith(one)));
  if (prefix === undefined) return tensors;
  return withoutWrappers(
    new Map([...tensors].map(([name, tensor]) => [name.slice(prefix.length), tensor])),
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

// The position embedding on the grid of the configuration; one whose own grid is not known is returned as it is.
function onGrid(
  tensor: HostTensor,
  config: VisionTransformerConfig,
  { source, posEmbedInterpolation: filter = 'timm' }: AdaptOptions<VisionTransformerConfig>,
  note: (text: string) => void,
): HostTensor {
  const [, tokens = 0, dim = 0] = tensor.shape;
  const to = gridSizeOf(config);
  const prefix = placedPrefix(config);
  const fits = config.posEmbed === 'learned' && dim === config.embedDim && tensor.shape[0] === 1;
  if (!fits || tensor.shape.length !== 3 || !isNumericDtype(tensor.dtype)) return tensor;
  const from = ownGrid(tokens - prefix, source);
  if (from === undefined || (from[0] === to[0] && from[1] === to[1])) return tensor;
  if (source === undefined && from[0] * from[1] === to[0] * to[1]) return tensor;
  const values = toFloat32(tensor, 'pos_embed');
  const data = new Float32Array((prefix + to[0] * to[1]) * dim);
  data.set(values.subarray(0, prefix * dim));
  const grids = { from, to, dim, antialias: antialias[filter] };
  resampled(values.subarray(prefix * dim), data.subarray(prefix * dim), grids);
  const how = filter === 'timm' ? '' : ', bicubic without antialias';
  note(`pos_embed is resampled from ${from.join('×')} to ${to.join('×')} patches${how}.`);
  return { dtype: 'F32', shape: [1, prefix + to[0] * to[1], dim], data };
}

const antialias: Readonly<Record<PosEmbedInterpolation, boolean>> = { timm: true, deit: false };

// The grid of so many patches: that of the source if it has as many, else a square.
function ownGrid(
  patches: number,
  source: VisionTransformerConfig | undefined,
): [number, number] | undefined {
  const known = source && gridSizeOf(source);
  if (known !== undefined && known[0] * known[1] === patches) return known;
  const side = Math.sqrt(patches);
  return Number.isInteger(side) && side > 0 ? [side, side] : undefined;
}

// out[y, x, c] = Σ_v Σ_u rows[y, v] · columns[x, u] · from[v, u, c], summed in float64.
function resampled(
  from: Float32Array,
  out: Float32Array,
  {
    from: [oldHeight, oldWidth],
    to: [height, width],
    dim,
    antialias: isStretched,
  }: { from: [number, number]; to: [number, number]; dim: number; antialias: boolean },
): void {
  const filter = { method: 'bicubic', antialias: isStretched } as const;
  const rows = resampleMatrix(oldHeight, height, filter);
  const columns = resampleMatrix(oldWidth, width, filter);
  const wide = new Float64Array(oldHeight * width * dim);
  const add = (
    sum: Float64Array,
    at: number,
    factor: number,
    source: Float64Array | Float32Array,
    start: number,
  ) => {
    if (factor === 0) return;
    for (let c = 0; c < dim; c += 1) sum[at + c]! += factor * source[start + c]!;
  };
  for (let v = 0; v < oldHeight; v += 1) {
    for (let x = 0; x < width; x += 1) {
      for (let u = 0; u < oldWidth; u += 1) {
        const source = (v * oldWidth + u) * dim;
        add(wide, (v * width + x) * dim, columns[x * oldWidth + u]!, from, source);
      }
    }
  }
  const sum = new Float64Array(height * width * dim);
  for (let y = 0; y < height; y += 1) {
    for (let v = 0; v < oldHeight; v += 1) {
      const factor = rows[y * oldHeight + v]!;
      for (let x = 0; x < width; x += 1) {
        add(sum, (y * width + x) * dim, factor, wide, (v * width + x) * dim);
      }
    }
  }
  out.set(sum);
}
