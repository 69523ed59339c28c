// The files beside the weights: the names under which a checkpoint is found, and the configuration of its model.

import { assertKind } from '../core/kinds.ts';
import { isRecord } from '../core/check.ts';
import { CheckpointError, expected, show } from '../core/errors.ts';
import { decodeUtf8 } from '../core/utf8.ts';
import { parseStrictJson } from './strictJson.ts';

/** The file names of a checkpoint in a folder; the first of these that is there counts. */
export const checkpointNames = [
  'best_checkpoint.safetensors',
  'checkpoint.safetensors',
  'model.safetensors',
  'model.safetensors.index.json',
  'open_clip_model.safetensors',
  'pytorch_model.bin',
  'pytorch_model.bin.index.json',
  'open_clip_pytorch_model.bin',
  'best_checkpoint.pth',
  'checkpoint.pth',
  'model_best.pth.tar',
] as const;

/** The greatest length of a configuration file; a longer one is refused before it is read. */
export const maxConfigBytes = 2 ** 20;

/**
 * Parses a configuration file: one JSON object, no key twice, at most 1 MB.
 *
 * @param source  its text, or its bytes, which must be UTF-8
 * @param name    how errors call it
 * @throws CheckpointError naming it
 */
export function parseConfigJson(
  source: string | Uint8Array,
  name: string,
): Record<string, unknown> {
  if (typeof source !== 'string') assertKind(name, source, 'bytes');
  if (source.length > maxConfigBytes) {
    const unit = typeof source === 'string' ? 'characters' : 'bytes';
    throw new CheckpointError(expected('at most 1 MB', name, `${source.length} ${unit}`));
  }
  const text = typeof source === 'string' ? source : decodeUtf8(source, name);
  const strict = parseStrictJson(text, { name: show(name) });
  if (!(strict instanceof Map)) throw new CheckpointError(expected('a JSON object', name, text));
  const config = JSON.parse(text) as Record<string, unknown>;
  if (Object.hasOwn(config, '__proto__')) {
    throw new CheckpointError(expected('no key __proto__', name, '__proto__'));
  }
  return config;
}

/** The model's part of a config.json: that of a run describes the run, and the model is one field of it. */
export function modelConfigOf(config: Record<string, unknown>): object {
  const { model } = config;
  return isRecord(model) ? model : config;
}

/**
 * The model's configuration in the metadata of a safetensors file, under `config`; undefined without one.
 *
 * @param name  how errors call the file
 * @throws CheckpointError if it is there and cannot be read
 */
export function configFromMetadata(
  metadata: ReadonlyMap<string, string>,
  name: string,
): object | undefined {
  const text = metadata.get('config');
  return text === undefined
    ? undefined
    : modelConfigOf(parseConfigJson(text, `the metadata of ${name}`));
}
