// The options of a Vision Transformer's blocks as far as the names and shapes of its tensors tell them.

import type { HostTensor } from '../../checkpoints/hostTensor.ts';
import type { VisionTransformerConfig } from './optionTypes.ts';

type Tensors = ReadonlyMap<string, HostTensor>;

/** The kind of blocks by the names of their tensors. */
export function blockFnOf(own: Tensors): NonNullable<VisionTransformerConfig['blockFn']> {
  if (own.has('blocks.0.in_proj.weight')) return 'ParallelScalingBlock';
  if (own.has('blocks.0.attns.0.attn.qkv.weight')) return 'ParallelThingsBlock';
  const order = [...own.keys()];
  const [norm, attn] = ['blocks.0.norm1.weight', 'blocks.0.attn.qkv.weight'].map((name) =>
    order.indexOf(name),
  ) as [number, number];
  // The blocks with norms after their branches have the same names in another order, where the file keeps it, and no layer scales.
  const isPost = norm > attn && order.indexOf('blocks.0.mlp.fc1.weight') > norm;
  return isPost && !own.has('blocks.0.ls1.gamma') && !isSorted(order) ? 'ResPostBlock' : 'Block';
}

function isSorted(names: readonly string[]): boolean {
  return names.every((name, i) => i === 0 || names[i - 1]! <= name);
}

/**
 * The options of the blocks, and the width of tokens; undefined if there are no blocks of a Vision Transformer.
 *
 * Options that came later are told only where they differ from their default.
 */
export function blockOptions(own: Tensors): Record<string, unknown> | undefined {
  const blockFn = blockFnOf(own);
  const [attn, mlp, norm] = {
    Block: ['attn', 'mlp', 'norm1'],
    ResPostBlock: ['attn', 'mlp', 'norm1'],
    ParallelScalingBlock: ['attn', 'mlp', 'in_norm'],
    ParallelThingsBlock: ['attns.0.attn', 'ffns.0.mlp', 'attns.0.norm'],
  }[blockFn] as [string, string, string];
  const shape = (name: string) => own.get(`blocks.0.${name}`)?.shape;
  const has = (name: string) => own.has(`blocks.0.${name}`);
  const isScaling = blockFn === 'ParallelScalingBlock';
  const [, dim] = shape(isScaling ? 'in_proj.weight' : `${attn}.qkv.weight`) ?? [];
  if (dim === undefined) return undefined;
  const last = isScaling ? 'mlp_out_proj' : `${mlp}.fc2`;
  const [, inner] = shape(`${last}.weight`) ?? [];
  const [first] = shape(`${mlp}.fc1.weight`) ?? [];
  const isGated = has(`${mlp}.fc1_g.weight`);
  const isPacked = first !== undefined && first === 2 * (inner ?? 0);
  const hidden = isPacked ? first : inner;
  const isRms = has(`${norm}.weight`) && !has(`${norm}.bias`);
  const scale = { ParallelScalingBlock: 'ls', ParallelThingsBlock: 'attns.0.ls' } as const;
  const gamma = blockFn in scale ? scale[blockFn as keyof typeof scale] : 'ls1';
  return {
    embedDim: dim,
    ...(hidden !== undefined && { mlpRatio: hidden / dim }),
    qkvBias: has(isScaling ? 'in_proj.bias' : `${attn}.qkv.bias`),
    qkNorm: has(isScaling ? 'q_norm.weight' : `${attn}.q_norm.weight`),
    layerScaleInit: has(`${gamma}.gamma`) ? 1e-5 : null,
    ...(blockFn !== 'Block' && { blockFn }),
    ...(isRms && { normLayer: 'RmsNorm' }),
    ...((isGated || isPacked) && { mlpLayer: isGated ? 'SwiGLU' : 'SwiGLUPacked', activation: 'silu' }), // prettier-ignore
    ...(has(`${last}.weight`) && !has(`${last}.bias`) && { projBias: false }),
    ...(has(`${attn}.norm.weight`) && { scaleAttnNorm: true }),
    ...(has(`${mlp}.norm.weight`) && { scaleMlpNorm: true }),
  };
}
