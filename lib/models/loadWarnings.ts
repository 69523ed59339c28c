// Warnings about a checkpoint whose model computes otherwise than the one that it was made for.

import { isRecord } from '../core/check.ts';
import { VitError, show } from '../core/errors.ts';
import { timmPreparation } from '../checkpoints/timmConfig.ts';
import type { HostTensor } from '../checkpoints/hostTensor.ts';
import { parsedModel } from './createModel.ts';

type Fields = Readonly<Record<string, unknown>>;

const watched = {
  normEps: 'ε of its norms',
  activation: 'activation',
  normLayer: 'kind of norms',
  numClasses: 'number of classes',
} as const;

/**
 * A sentence for each option in which a model differs from what its checkpoint says, and that no shape gives away: ε of the norms, the
 * activation, the kind of norms; the number of classes too.
 *
 * A checkpoint says it by the configuration that is stored with it. Without one, weights in OpenAI's own files of CLIP, and those that timm
 * tags `openai`, `metaclip` or `dfn`, are known to be made with QuickGELU.
 *
 * @param config  the complete configuration of the model
 * @param stored  the configuration that is stored with the checkpoint, in any vocabulary; undefined: none
 *
 * @example loadWarnings(model.config, checkpoint);
 * // ["The checkpoint's activation is \"quick_gelu\", the model's \"gelu\": its results will differ."]
 */
export function loadWarnings(
  config: object,
  { tensors, stored, record }: { tensors: ReadonlyMap<string, HostTensor>; stored?: object | undefined; record?: object | undefined }, // prettier-ignore
): string[] {
  const own = config as Fields;
  const told = { ...toldBy(tensors, record), ...completed(stored) };
  return Object.entries(watched).flatMap(([key, words]) => {
    if (told[key] === undefined || own[key] === undefined || told[key] === own[key]) return [];
    const end = key === 'numClasses' ? 'a head of another size does not fit' : 'its results will differ'; // prettier-ignore
    return [`The checkpoint's ${words} is ${show(told[key])}, the model's ${show(own[key])}: ${end}.`]; // prettier-ignore
  });
}

// The stored configuration with its defaults; nothing where it cannot be read, which loading itself reports.
function completed(stored: object | undefined): Fields {
  if (stored === undefined) return {};
  try {
    return parsedModel(stored).config as Fields;
  } catch (error) {
    if (error instanceof VitError) return {};
    throw error;
  }
}

function toldBy(tensors: ReadonlyMap<string, HostTensor>, record: object | undefined): Fields {
  const { pretrained_cfg: pretrained, tag = isRecord(pretrained) ? pretrained['tag'] : undefined } =
    (record ?? {}) as Fields;
  const isQuick =
    tensors.has('input_resolution') || /^(openai|metaclip|dfn)/.test(typeof tag === 'string' ? tag : ''); // prettier-ignore
  return isQuick ? { activation: 'quick_gelu' } : {};
}

/** A sentence if images are normalised otherwise than those that a checkpoint was made with; none where that is not stored. */
export function normalizeWarnings(
  record: object | undefined,
  { mean, std }: { mean: readonly number[]; std: readonly number[] },
): string[] {
  const told = storedNormalize((record ?? {}) as Fields);
  if (told === undefined) return [];
  const same = JSON.stringify(told) === JSON.stringify([[...mean], [...std]]);
  if (same || told[0]?.length !== mean.length) return [];
  const text = ([m, s]: readonly unknown[]) => `mean ${show(m)} and deviation ${show(s)}`;
  return [
    `The checkpoint's images have ${text(told)}, these ${text([mean, std])}: its weights expect the former.`,
  ];
}

function storedNormalize(record: Fields): [number[], number[]] | undefined {
  const { preprocessing } = record;
  const own = isRecord(preprocessing) ? preprocessing['normalize'] : undefined;
  const found = isRecord(own) ? own : isRecord(record) ? timmPreparation(record) : undefined;
  const { mean, std } = (found ?? {}) as Fields;
  return Array.isArray(mean) && Array.isArray(std)
    ? [mean as number[], std as number[]]
    : undefined;
}
