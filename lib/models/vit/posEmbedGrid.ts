// A stored position embedding on another grid of patches.

import { isNumericDtype, toFloat32, type HostTensor } from '../../checkpoints/hostTensor.ts';
import { resampleMatrix } from '../../ops/resampleMatrix.ts';
import type { AdaptOptions, PosEmbedInterpolation } from '../family.ts';
import { gridSizeOf, placedPrefix } from './config.ts';
import type { VisionTransformerConfig } from './optionTypes.ts';

/** The grids of a resampling, [rows, columns]. */
export interface GridChange {
  from: [number, number];
  to: [number, number];
}

/**
 * The position embedding on the grid of a configuration, and the grids if it was resampled. One whose own grid is not known, and one that
 * has that grid already, is returned as it is.
 */
export function onGrid(
  tensor: HostTensor,
  config: VisionTransformerConfig,
  { source, posEmbedInterpolation: filter = 'timm' }: AdaptOptions<VisionTransformerConfig>,
): { tensor: HostTensor; change?: GridChange } {
  const [, tokens = 0, dim = 0] = tensor.shape;
  const to = gridSizeOf(config);
  const prefix = placedPrefix(config);
  const fits = config.posEmbed === 'learned' && dim === config.embedDim && tensor.shape[0] === 1;
  if (!fits || tensor.shape.length !== 3 || !isNumericDtype(tensor.dtype)) return { tensor };
  const from = ownGrid(tokens - prefix, source);
  if (from === undefined || (from[0] === to[0] && from[1] === to[1])) return { tensor };
  if (source === undefined && from[0] * from[1] === to[0] * to[1]) return { tensor };
  const values = toFloat32(tensor, 'pos_embed');
  const data = new Float32Array((prefix + to[0] * to[1]) * dim);
  data.set(values.subarray(0, prefix * dim));
  const grids = { from, to, dim, antialias: antialias[filter] };
  resampled(values.subarray(prefix * dim), data.subarray(prefix * dim), grids);
  const shape = [1, prefix + to[0] * to[1], dim];
  return { tensor: { dtype: 'F32', shape, data }, change: { from, to } };
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
