// The options of a Vision Transformer as far as the shapes of its tensors tell them.

import type { HostTensor } from '../../checkpoints/hostTensor.ts';
import { blockOptions } from './describeBlock.ts';
import { timmNames } from './foreignNames.ts';

/**
 * The options that follow from the tensors of a checkpoint in any vocabulary; undefined if they are not those of a Vision Transformer.
 *
 * The number of heads, ε and the non-linearity have no tensor: heads of 64 channels are taken, as all published sizes of ViT and DeiT
 * have.
 *
 * @example vitOptions(tensors);   // {embedDim: 192, depth: 12, numHeads: 3, imageSize: [224, 224], …}
 */
export function vitOptions(
  tensors: ReadonlyMap<string, HostTensor>,
): Record<string, unknown> | undefined {
  const own = timmNames(tensors, () => undefined);
  const shape = (name: string) => own.get(name)?.shape;
  const patch = shape('patch_embed.proj.weight');
  const block = blockOptions(own);
  if (block === undefined || patch?.length !== 4) return undefined;
  const dim = Number(block['embedDim']);
  const [, inChannels, height, width] = patch as [number, number, number, number];
  const depth = 1 + Math.max(...[...own.keys()].map((name) => blockOf(name)));
  const registers = shape('reg_token')?.[1] ?? 0;
  const [classToken, distilled] = [own.has('cls_token'), own.has('dist_token')];
  const map = own.has('attn_pool.latent');
  const fcNorm = own.has('fc_norm.weight');
  const prefix = Number(classToken) + Number(distilled) + registers;
  const places = shape('pos_embed')?.[1];
  const sides = places === undefined ? [] : [places - prefix, places].map(Math.sqrt);
  const placed = sides.findIndex((side) => Number.isInteger(side) && side > 0);
  const side = sides[placed];
  return {
    patchSize: [height, width],
    inChannels,
    numClasses: shape('head.weight')?.[0] ?? 0,
    depth,
    numHeads: dim % 64 === 0 ? dim / 64 : 1,
    ...block,
    classToken,
    distilled,
    regTokens: registers,
    preNorm: own.has('norm_pre.weight'),
    globalPool: map ? 'map' : classToken && !fcNorm ? 'token' : 'avg',
    fcNorm,
    ...(!own.has('norm.weight') && !fcNorm && { finalNorm: false }),
    ...(own.has('patch_embed.norm.weight') && {
      embedNormLayer: own.has('patch_embed.norm.bias') ? 'LayerNorm' : 'RmsNorm',
    }),
    posEmbed: places === undefined ? 'none' : 'learned',
    noEmbedClass: prefix > 0 && placed === 1,
    ...(side !== undefined && { imageSize: [side * height, side * width] }),
  };
}

function blockOf(name: string): number {
  return Number(/^blocks\.(\d+)\./.exec(name)?.[1] ?? 0);
}
