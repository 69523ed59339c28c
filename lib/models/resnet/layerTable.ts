// The layer table of a ResNet, from its configuration.

import { layerRow, linearRow, type LayerRow } from '../layerRow.ts';
import { blockPlaces, type BlockPlace, type ResNetConfig } from './config.ts';

type Size = readonly [number, number];

/** Every layer of a ResNet in the order of its state dict, from the configuration alone: nothing is allocated. */
export function layerTable(config: ResNetConfig): LayerRow[] {
  const { inChannels, planes, smallInput, numClasses } = config;
  const [height = 1, width = 1] = config.imageSize;
  const stem = { inPlanes: inChannels, planes: planes[0]! };
  const [kernel, stride, padding] = smallInput ? [3, 1, 1] : [7, 2, 3];
  let size = shrunk([height, width], { kernel: kernel!, stride: stride!, padding: padding! });
  const rows = [convRow('conv1', size, stem, kernel!), normRow('bn1', size, stem.planes)];
  if (!smallInput) size = shrunk(size, { kernel: 3, stride: 2, padding: 1 });
  for (const place of blockPlaces(config)) {
    size = shrunk(size, { kernel: 3, stride: place.stride, padding: 1 });
    rows.push(...blockRows(place, size));
  }
  const last = planes.at(-1)!;
  return numClasses > 0 ? [...rows, linearRow('fc', [last], numClasses)] : rows;
}

function blockRows({ path, inPlanes, planes, stride }: BlockPlace, size: Size): LayerRow[] {
  const rows = [
    convRow(`${path}.conv1`, size, { inPlanes, planes }, 3),
    normRow(`${path}.bn1`, size, planes),
    convRow(`${path}.conv2`, size, { inPlanes: planes, planes }, 3),
    normRow(`${path}.bn2`, size, planes),
  ];
  if (stride === 1 && inPlanes === planes) return rows;
  const shortcut = convRow(`${path}.downsample.0`, size, { inPlanes, planes }, 1);
  return [...rows, shortcut, normRow(`${path}.downsample.1`, size, planes)];
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

function normRow(name: string, [height, width]: Size, planes: number): LayerRow {
  return layerRow(name, 'BatchNorm', [height, width, planes], { weight: [planes], bias: [planes] });
}

// The rows and columns of a convolution's result.
function shrunk(
  [height, width]: Size,
  { kernel, stride, padding }: { kernel: number; stride: number; padding: number },
): [number, number] {
  const side = (length: number) => Math.floor((length + 2 * padding - kernel) / stride) + 1;
  return [side(height), side(width)];
}
