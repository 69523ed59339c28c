// The options of the library's model families, without the models, so that a command line is read without loading them.

import { detrOptions } from './detr/options.ts';
import { resNetOptions } from './resnet/options.ts';
import { visionTransformerOptions } from './vit/options.ts';
import type { OptionTable } from '../core/option.ts';

/** A table of options for each family of the library, by the family's name. */
export const familyOptions: Readonly<Record<string, OptionTable>> = {
  vit: visionTransformerOptions,
  resnet: resNetOptions,
  detr: detrOptions,
};
