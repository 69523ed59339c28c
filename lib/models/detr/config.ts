// The configuration of a DETR: its checks, its named sizes, and the vocabularies that it is read from.

import { isRecord } from '../../core/check.ts';
import { InputError, expected } from '../../core/errors.ts';
import { parseOptions } from '../../core/option.ts';
import { knownOptions } from '../knownOptions.ts';
import { huggingFaceDetrOptions, isHuggingFaceDetr } from './huggingFace.ts';
import { detrOptions } from './options.ts';
import type { DetrFields, DetrOptions } from './optionTypes.ts';

export type { DetrOptions };

/** A complete configuration; its key `family` leads a stored model back to the family. */
export type DetrConfig = DetrFields & { readonly family: 'detr' };

/** The named sizes, as Hugging Face and the authors' hub call them. */
export const detrSizes: Readonly<Record<string, DetrOptions>> = {
  detr_resnet50: { backbone: { name: 'resnet50', frozenNorm: true } },
  detr_resnet101: { backbone: { name: 'resnet101', frozenNorm: true } },
};

/**
 * A complete configuration from options, in our names or in those of Hugging Face's config.json.
 *
 * @throws InputError naming the option that is unknown, given twice, out of range, or in conflict with another
 *
 * @example parseDetrConfig({ numClasses: 16, dModel: 64, backbone: { planes: [32, 64], layers: [1, 1] } }).numQueries;   // 100
 */
export function parseDetrConfig(options: unknown): DetrConfig {
  const values = knownDetrOptions(options);
  const given = values['imageSize'];
  if (typeof given === 'number') values['imageSize'] = [given, given];
  const { inChannels } = values;
  const backbone = values['backbone'] ?? detrOptions.backbone.default;
  values['backbone'] =
    isRecord(backbone) && inChannels !== undefined ? { ...backbone, inChannels } : backbone;
  const parsed = parseOptions<DetrFields>(detrOptions, values, { what: 'a model option' });
  assertConsistent(parsed);
  return { family: 'detr', ...parsed };
}

/** The configuration of a named size. @throws InputError as `parseDetrConfig` */
export function detrSize(name: string, overrides: object = {}): DetrConfig {
  return parseDetrConfig({ ...detrSizes[name], ...knownDetrOptions(overrides) });
}

/** The options by our names, values as given; null and undefined are left out. @throws InputError for a name it does not know */
export function knownDetrOptions(given: unknown): Record<string, unknown> {
  if (!isRecord(given)) {
    throw new InputError(expected('an object of model options', 'config', given));
  }
  const options = isHuggingFaceDetr(given) ? huggingFaceDetrOptions(given) : given;
  return knownOptions(detrOptions, options, 'a DETR');
}

const maxParameters = 2 ** 33;

function assertConsistent(config: DetrFields): void {
  const { dModel, encoderAttentionHeads, decoderAttentionHeads, inChannels, backbone } = config;
  for (const [name, heads] of Object.entries({ encoderAttentionHeads, decoderAttentionHeads })) {
    if (dModel % heads === 0) continue;
    throw new InputError(expected(`a divisor of dModel ${dModel}`, name, heads));
  }
  // Half of the channels are the rows, half the columns, each in pairs of sine and cosine.
  if (dModel % 4 !== 0) throw new InputError(expected('a multiple of 4', 'dModel', dModel));
  if (backbone.inChannels !== inChannels) {
    const what = `inChannels ${inChannels}`;
    throw new InputError(expected(what, 'backbone.inChannels', backbone.inChannels));
  }
  const { encoderLayers, decoderLayers, encoderFfnDim, decoderFfnDim } = config;
  const parameters =
    encoderLayers * dModel * (4 * dModel + 2 * encoderFfnDim) +
    decoderLayers * dModel * (8 * dModel + 2 * decoderFfnDim);
  if (parameters <= maxParameters) return;
  throw new InputError(
    expected('at most 2³³ parameters', 'the model', parameters, 'Make layers or dModel smaller.'),
  );
}
