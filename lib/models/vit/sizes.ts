// The named sizes of ViT, DeiT and DeiT III.

import type { VisionTransformerOptions } from './parseConfig.ts';

// Width, depth and heads of the ViT and DeiT families.
const tiny = { embedDim: 192, depth: 12, numHeads: 3 };
const small = { embedDim: 384, depth: 12, numHeads: 6 };
const medium = { embedDim: 512, depth: 12, numHeads: 8 };
const base = { embedDim: 768, depth: 12, numHeads: 12 };
const large = { embedDim: 1024, depth: 24, numHeads: 16 };

/**
 * The named models: timm's name → what differs from `defaultConfig`.
 *
 * ViT: Dosovitskiy et al. 2021 and Steiner et al. 2022; DeiT: Touvron et al. 2021; DeiT III: Touvron et al. 2022; the test
 * models are timm's, trained at 160 pixels.
 */
export const modelSizes: Readonly<Record<string, VisionTransformerOptions>> = {
  ...family('vit', { tiny, small, base, large }, [8, 14, 16, 32], [224, 384]),
  ...family('deit', { tiny, small, base }, [16], [224]),
  deit_base_patch16_384: { ...base, patchSize: 16, imageSize: 384 },
  ...family('deit', { tiny, small, base }, [16], [224], 'distilled_', { distilled: true }),
  deit_base_distilled_patch16_384: { ...base, patchSize: 16, imageSize: 384, distilled: true },
  ...family('deit3', { small, medium, base, large }, [16], [224, 384], '', {
    noEmbedClass: true,
    layerScaleInit: 1e-6,
  }),
  test_vit: {
    imageSize: 160, patchSize: 16, embedDim: 64, depth: 6, numHeads: 2, mlpRatio: 3, dynamicImageSize: true,
  },
  test_vit2: {
    imageSize: 160, patchSize: 16, embedDim: 64, depth: 8, numHeads: 2, mlpRatio: 3, classToken: false, regTokens: 1,
    globalPool: 'avg', layerScaleInit: 1e-5, dynamicImageSize: true,
  },
  test_vit3: {
    imageSize: 160, patchSize: 16, embedDim: 96, depth: 9, numHeads: 3, mlpRatio: 2, classToken: false, regTokens: 1,
    globalPool: 'map', poolIncludePrefix: true, layerScaleInit: 1e-5,
  },
}; // prettier-ignore

function family(
  prefix: string,
  sizes: Readonly<Record<string, VisionTransformerOptions>>,
  patches: readonly number[],
  images: readonly number[],
  infix = '',
  extra: VisionTransformerOptions = {},
): Record<string, VisionTransformerOptions> {
  const models: Record<string, VisionTransformerOptions> = {};
  for (const [size, options] of Object.entries(sizes)) {
    for (const patchSize of patches) {
      for (const imageSize of images) {
        // 384 is no multiple of 14.
        if (imageSize % patchSize !== 0) continue;
        const name = `${prefix}_${size}_${infix}patch${patchSize}_${imageSize}`;
        models[name] = { ...options, ...extra, patchSize, imageSize };
      }
    }
  }
  return models;
}
