// Names of models on the Hugging Face hub: timm's names of weights, ids, and addresses with `hf-hub:`.

import { InputError, expected } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import { timmTags } from './timmTags.ts';

/** A model on the hub. @property repo  `owner/name` @property revision  a branch, a tag or a commit; default main */
export interface HubAddress {
  repo: string;
  revision: string;
}

const prefix = /^(hf[-_]hub:|https:\/\/huggingface\.co\/)/;

/** Whether a checkpoint is named by its place on the hub: `hf-hub:owner/name`, or its page, `https://huggingface.co/owner/name`. */
export function isHubAddress(text: string): boolean {
  return prefix.test(text);
}

/**
 * The model that an address names: `hf-hub:owner/name`, with `@revision` where it is not the newest, or the address of its page.
 *
 * @throws InputError if it is none
 *
 * @example parseHubAddress('hf-hub:timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k@main').repo;
 */
export function parseHubAddress(text: string): HubAddress {
  const remedy = 'Give hf-hub:OWNER/NAME or hf-hub:OWNER/NAME@REVISION.';
  const wrong = () =>
    new InputError(expected('a model on the Hugging Face hub', 'the address', text, remedy));
  if (typeof text !== 'string') throw wrong();
  const id = text
    .replace(prefix, '')
    .replace(/\/+$/, '')
    .replace(/\/tree\//, '@');
  const [repo = '', revision = 'main', ...more] = id.split('@');
  const name = /^(?!.*(--|\.\.))[\w][\w.-]{0,95}\/[\w][\w.-]{0,95}$/;
  const branch = /^(?!.*(\/\/|\.\.))[\w][\w./-]{0,199}$/;
  if (!name.test(repo) || !branch.test(revision) || more.length > 0) throw wrong();
  return { repo, revision };
}

/**
 * The weights that a name stands for: a name of timm, with or without its tag; an id, `owner/name`; an address.
 *
 * timm's repositories are `timm/<name>.<tag>`. A name without a tag has timm's default one, and the models with QuickGELU share the
 * repositories of those without.
 *
 * @throws InputError for a name of timm that has no weights, or not of this tag; it names those that are there
 *
 * @example pretrainedAddress('vit_tiny_patch16_224').repo;   // 'timm/vit_tiny_patch16_224.augreg_in21k_ft_in1k'
 */
export function pretrainedAddress(name: string): HubAddress {
  if (typeof name !== 'string')
    throw new InputError(expected('a name', 'the pretrained model', name));
  if (isHubAddress(name) || name.includes('/')) return parseHubAddress(name);
  const [short = '', ...rest] = name.split('.');
  const model = short.replace(/^(vit|deit3?)_([a-z_]+)_(\d+)_(\d+)$/, '$1_$2_patch$3_$4');
  const tag = rest.join('.');
  const known = Object.hasOwn(timmTags, model) ? timmTags[model]!.split(' ') : undefined;
  if (known === undefined && tag === '') {
    const near = didYouMean(
      model,
      Object.keys(timmTags),
      'Give hf-hub:OWNER/NAME for any other model.',
    );
    throw new InputError(
      expected('a model of timm that has weights', 'the pretrained model', name, near),
    );
  }
  if (known !== undefined && tag !== '' && !known.includes(tag)) {
    const remedy = `timm has ${known.join(', ')}.`;
    throw new InputError(expected(`weights of ${model}`, 'the tag', tag, remedy));
  }
  const repository = model.replace('_clip_quickgelu_', '_clip_');
  return parseHubAddress(`timm/${repository}.${tag || known![0]!}`);
}
