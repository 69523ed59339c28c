// The layer table of a ResNet, from its configuration.

import { layerRow, linearRow, type LayerRow } from '../layerRow.ts';
import {
  blockPlaces,
  changesShape,
  stagePlanes,
  stemPlanes,
  type BlockPlace,
  type ResNetConfig,
} from './config.ts';

type Size = readonly [number, number];

/** Every layer of a ResNet in the order of its state dict, from the configuration alone: nothing is allocated. */
export function layerTable(config: ResNetConfig): LayerRow[] {
  const { inChannels, smallInput, numClasses, block, frozenNorm = false } = config;
  const [height = 1, width = 1] = config.imageSize;
  const stem = { inPlanes: inChannels, planes: stemPlanes(config) };
  const [kernel, stride, padding] = smallInput ? [3, 1, 1] : [7, 2, 3];
  let size = shrunk([height, width], { kernel: kernel!, stride: stride!, padding: padding! });
  const rows = [
    convRow('conv1', size, stem, kernel!),
    normRow('bn1', size, stem.planes, frozenNorm),
  ];
  if (!smallInput) size = shrunk(size, { kernel: 3, stride: 2, padding: 1 });
  for (const place of blockPlaces(config)) {
    const before = size;
    size = shrunk(size, { kernel: 3, stride: place.stride, padding: 1 });
    rows.push(...blockRows(place, { before, after: size, block, frozenNorm }));
  }
  const last = stagePlanes(config).at(-1)!;
  return numClasses > 0 ? [...rows, linearRow('fc', [last], numClasses)] : rows;
}

function blockRows(
  place: BlockPlace,
  about: {
    before: Size;
    after: Size;
    block: ResNetConfig['block'] | undefined;
    frozenNorm: boolean;
  },
): LayerRow[] {
  const { path, inPlanes, planes, outPlanes } = place;
  const { before, after, block, frozenNorm } = about;
  const pair = (
    [conv, norm]: readonly [string, string],
    [from, to]: readonly [number, number],
    kernel: number,
    size: Size = after,
  ) => [
    convRow(`${path}.${conv}`, size, { inPlanes: from, planes: to }, kernel),
    normRow(`${path}.${norm}`, size, to, frozenNorm),
  ];
  const rows =
    block === 'bottleneck'
      ? [
          ...pair(['conv1', 'bn1'], [inPlanes, planes], 1, before),
          ...pair(['conv2', 'bn2'], [planes, planes], 3),
          ...pair(['conv3', 'bn3'], [planes, outPlanes], 1),
        ]
      : [
          ...pair(['conv1', 'bn1'], [inPlanes, planes], 3),
          ...pair(['conv2', 'bn2'], [planes, planes], 3),
        ];
  if (!changesShape(place)) return rows;
  return [...rows, ...pair(['downsample.0', 'downsample.1'], [inPlanes, outPlanes], 1)];
}

function convRow(
  name: string,
  [height, width]: Size,
  { inPlanes, planes }: Pick<BlockPlace, 'inPlanes' | 'planes'>,
  kernel: number,
): LayerRow {
  const weight = [planes, inPlanes, kernel, kernel];
  const macs = height * width * planes * inPlanes * kernel ** 2;
  return layerRow(name, `Conv2d ${kernel}×${kernel}`, [height, width, planes], { weight }, macs);
}

function normRow(name: string, [height, width]: Size, planes: number, frozen: boolean): LayerRow {
  const parameters: Record<string, number[]> = frozen ? {} : { weight: [planes], bias: [planes] };
  const kind = frozen ? 'FrozenBatchNorm' : 'BatchNorm';
  return layerRow(name, kind, [height, width, planes], parameters);
}

// The rows and columns of a convolution's result.
function shrunk(
  [height, width]: Size,
  { kernel, stride, padding }: { kernel: number; stride: number; padding: number },
): [number, number] {
  const side = (length: number) => Math.floor((length + 2 * padding - kernel) / stride) + 1;
  return [side(height), side(width)];
}
