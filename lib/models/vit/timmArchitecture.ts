// The architecture of timm that a configuration is written as, and the arguments that it needs besides the usual ones.

import { InputError, expected } from '../../core/errors.ts';
import type { VisionTransformerConfig } from './optionTypes.ts';
import { whole } from './variant.ts';

/** An architecture and more `model_args`. */
export interface TimmArchitecture {
  architecture: string;
  args: Record<string, unknown>;
}

/**
 * The architecture of timm whose classes of blocks, feed-forward layers and norms a configuration has; its sizes are all overridden.
 *
 * A config.json cannot name a class, and timm leaves out arguments that are null, so an architecture is chosen that has the classes, and a
 * layer scale is switched off by 0.
 *
 * @param note  told what timm does otherwise
 * @throws InputError for parts that no architecture of timm has together
 */
export function timmArchitecture(
  config: VisionTransformerConfig,
  note: (text: string) => void,
): TimmArchitecture {
  const all = whole(config);
  const { blockFn, mlpLayer, normLayer, embedNormLayer, layerScaleInit, normEps } = all;
  const isRms = normLayer === 'RmsNorm';
  const unknown = (name: keyof VisionTransformerConfig, what: string): never => {
    throw new InputError(expected(`${what} for timm`, name, all[name]));
  };
  const isAim = mlpLayer === 'SwiGLU';
  if (blockFn !== 'Block' && mlpLayer !== 'Mlp') unknown('mlpLayer', `"Mlp" with ${blockFn}`);
  if ((embedNormLayer !== null) !== isAim) {
    unknown('embedNormLayer', isAim ? 'a norm with SwiGLU' : 'null without SwiGLU');
  }
  const isClip = blockFn === 'Block' && mlpLayer === 'Mlp' && !isRms && normEps === 1e-5;
  const eps = isClip || (isAim && isRms && embedNormLayer === 'RmsNorm') ? 1e-5 : 1e-6;
  if (normEps !== eps) {
    note(
      `timm's norms have ε ${show(eps)}, these weights ${normEps}: the last digits of its logits differ.`,
    );
  }
  return {
    architecture: nameOf(all, isClip),
    args: {
      // timm drops arguments that are null.
      ...(layerScaleInit === null && hasScale(all) && { init_values: 0 }),
      ...(all.projBias ? {} : { proj_bias: false }),
      ...(all.scaleAttnNorm && { scale_attn_norm: true }),
      ...(all.scaleMlpNorm && { scale_mlp_norm: true }),
      ...(all.finalNorm ? {} : { final_norm: false }),
      ...(isRms !== isRmsByName(all) && { norm_layer: isRms ? 'rmsnorm' : 'layernorm' }),
      ...(isAim && embedNormLayer !== 'RmsNorm' && { embed_norm_layer: 'layernorm' }),
    },
  };
}

function show(eps: number): string {
  return eps === 1e-5 ? '1e-5' : '1e-6';
}

function nameOf({ blockFn, mlpLayer, distilled }: VisionTransformerConfig, isClip: boolean) {
  if (distilled) return 'deit_base_distilled_patch16_224';
  if (blockFn === 'ResPostBlock') return 'vit_base_patch16_rpn_224';
  if (blockFn === 'ParallelScalingBlock') return 'vit_base_patch16_xp_224';
  if (blockFn === 'ParallelThingsBlock') return 'vit_small_patch16_18x2_224';
  if (mlpLayer === 'SwiGLUPacked') return 'vit_giant_patch14_dinov2';
  if (mlpLayer === 'SwiGLU') return 'aimv2_large_patch14_224';
  return isClip ? 'vit_base_patch16_clip_224' : 'vit_base_patch16_224';
}

// The architectures above that have layer scales, or first gains, of their own.
function hasScale({ blockFn, mlpLayer }: VisionTransformerConfig): boolean {
  return blockFn === 'ParallelThingsBlock' || mlpLayer === 'SwiGLUPacked';
}

// The architectures above whose norms are by the root mean square.
function isRmsByName({ blockFn, mlpLayer }: VisionTransformerConfig): boolean {
  return blockFn === 'ParallelScalingBlock' || mlpLayer === 'SwiGLU';
}
