// The families that come with the library, and the types of their options. No other file names a family.

import type { DetrConfig, DetrOptions } from './detr/config.ts';
import type { Detr } from './detr/detr.ts';
import { detr } from './detr/family.ts';
import type { Clip } from './clip/clip.ts';
import type { ClipConfig, ClipOptions } from './clip/config.ts';
import { clip } from './clip/family.ts';
import type { ModelFamily } from './family.ts';
import type { Model } from './model.ts';
import type { ResNetConfig, ResNetOptions } from './resnet/config.ts';
import { resnet } from './resnet/family.ts';
import type { ResNet } from './resnet/resNet.ts';
import type { VisionTransformerConfig } from './vit/config.ts';
import { vit } from './vit/family.ts';
import type { VisionTransformerOptions } from './vit/parseConfig.ts';
import type { VisionTransformer } from './vit/visionTransformer.ts';

/** The families that are registered from the start. */
export const builtInFamilies: readonly ModelFamily[] = [vit, resnet, detr, clip];

/**
 * Options of a model of any registered family.
 *
 * `name` is a size by its name, from which the other options differ. `family` names the family; without it the options are those
 * of the family that recognizes them, and of a Vision Transformer as far as TypeScript can tell.
 */
export type ModelOptions =
  | (VisionTransformerOptions & { readonly name?: string; readonly family?: 'vit' })
  | (ResNetOptions & { readonly name?: string; readonly family: 'resnet' })
  | (ResNetOptions & { readonly name: ResNetName })
  | (DetrOptions & { readonly name?: string; readonly family: 'detr' })
  | (DetrOptions & { readonly name: DetrName })
  | (ClipOptions & { readonly name?: string; readonly family: 'clip' })
  | (ClipOptions & { readonly name: ClipName })
  | (Readonly<Record<string, unknown>> & { readonly name?: string; readonly family: string });

/** The names by which TypeScript knows a size of a Vision Transformer. */
type VitName =
  `${'vit' | 'deit' | 'deit3' | 'eva_large' | 'flexivit'}_${string}` | `test_vit${string}`;

/** The names by which TypeScript knows a size of a ResNet. */
type ResNetName = `resnet${18 | 34 | 50 | 101 | 152}`;

/** The names by which TypeScript knows a size of a DETR. */
type DetrName = 'detr_resnet50' | 'detr_resnet101';
/** The names by which TypeScript knows a size of CLIP. */
type ClipName = `clip_vit_${string}`;

/** The class of the model that a size's name stands for, as far as the name itself tells. */
export type ModelNamed<N extends string> = N extends VitName
  ? VisionTransformer
  : N extends ResNetName
    ? ResNet
    : N extends DetrName
      ? Detr
      : N extends ClipName
        ? Clip
        : Model;

/** The type of the configuration that a size's name stands for, as far as the name itself tells. */
export type ConfigNamed<N extends string> = N extends VitName
  ? VisionTransformerConfig
  : N extends ResNetName
    ? ResNetConfig
    : N extends DetrName
      ? DetrConfig
      : N extends ClipName
        ? ClipConfig
        : object;
