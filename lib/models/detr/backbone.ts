// The backbone of a DETR: a ResNet without a head, as its configuration names it.

import { isRecord } from '../../core/check.ts';
import { InputError, expected } from '../../core/errors.ts';
import type { HostTensor } from '../../checkpoints/hostTensor.ts';
import { parseResNetConfig, resNetSize, resNetSizes, type ResNetConfig } from '../resnet/config.ts';

/**
 * The configuration of a backbone from options of a ResNet, or from a size by `name`, with other options beside it.
 *
 * @throws InputError naming what cannot be used
 *
 * @example backboneConfig({ name: 'resnet50', frozenNorm: true }).layers;   // [3, 4, 6, 3]
 */
export function backboneConfig(given: unknown): ResNetConfig {
  if (!isRecord(given)) throw new InputError(expected('options of a ResNet', 'backbone', given));
  const { name, ...options } = given;
  // Photographs for detection are larger than the images that the small stem is for.
  const rest = { smallInput: false, ...options, numClasses: 0 };
  if (name === undefined) return parseResNetConfig(rest);
  if (typeof name === 'string' && Object.hasOwn(resNetSizes, name)) return resNetSize(name, rest);
  const names = Object.keys(resNetSizes).join(', ');
  throw new InputError(expected(`one of ${names}`, 'backbone.name', name));
}

/**
 * The options of a backbone that the shapes of its tensors tell, by torchvision's names; undefined where there are none.
 *
 * @param prefix  stands before the names
 */
export function backboneOf(
  tensors: ReadonlyMap<string, HostTensor>,
  prefix: string,
): Record<string, unknown> | undefined {
  const shape = (name: string) => tensors.get(`${prefix}${name}.weight`)?.shape;
  const stem = shape('conv1');
  if (stem?.length !== 4) return undefined;
  const layers: number[] = [];
  const planes: number[] = [];
  for (let stage = 1; stage <= 4; stage += 1) {
    let blocks = 0;
    while (shape(`layer${stage}.${blocks}.conv1`) !== undefined) blocks += 1;
    if (blocks === 0) break;
    layers.push(blocks);
    planes.push(shape(`layer${stage}.0.conv1`)![0]!);
  }
  if (layers.length === 0) return undefined;
  const counts = tensors.has(`${prefix}bn1.num_batches_tracked`);
  return {
    block: shape('layer1.0.conv3') === undefined ? 'basic' : 'bottleneck',
    layers,
    planes,
    stemWidth: stem[0],
    inChannels: stem[1],
    smallInput: stem[2] === 3,
    frozenNorm: !counts,
  };
}
