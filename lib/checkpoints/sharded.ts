// A checkpoint in several files: an index in JSON that says which file has which tensor, as Hugging Face writes it.

import { CheckpointError, listed, show } from '../core/errors.ts';
import { decodeUtf8 } from '../core/utf8.ts';
import type { CheckpointFormat, ReadBeside, ReadOptions, TensorFile } from './checkpointFormat.ts';
import type { HostTensor } from './hostTensor.ts';
import { parseStrictJson } from './strictJson.ts';

const maxIndexBytes = 2 ** 26;
const maxShards = 10_000;

/**
 * The format of an index. A tensor that the index names and its shard does not have, one that a shard has besides, and a shard that is
 * missing are errors: a checkpoint is read whole or not at all.
 *
 * @param readPart  reads one shard, in whatever format it is
 */
export function shardedFormat(
  readPart: (bytes: Uint8Array, name: string, options?: ReadOptions) => Promise<TensorFile>,
): CheckpointFormat {
  return {
    name: 'sharded',
    matches: isIndex,
    async read(bytes, name, beside, options) {
      const shards = parseIndex(bytes, name);
      const tensors = new Map<string, HostTensor>();
      for (const [file, wanted] of shards) {
        const part = await readShard(file, name, beside);
        const found = await readPart(part, file, options);
        const missing = wanted.filter((key) => !found.tensors.has(key));
        if (missing.length > 0) throw differs(`${listed(missing)} in ${show(file)}`, name, 'none');
        const known = new Set(wanted);
        const more = [...found.tensors.keys()].filter((key) => !known.has(key));
        if (more.length > 0) throw differs(`no ${listed(more)} in ${show(file)}`, name, 'one');
        for (const [key, tensor] of found.tensors) tensors.set(key, tensor);
      }
      return { tensors, metadata: new Map() };
    },
  };
}

// A JSON object with the key near its beginning.
function isIndex(bytes: Uint8Array): boolean {
  if (bytes.length > maxIndexBytes) return false;
  const start = new TextDecoder('latin1').decode(bytes.subarray(0, 4096));
  return /^\s*\{[^]*"weight_map"/.test(start);
}

async function readShard(file: string, index: string, beside: ReadBeside): Promise<Uint8Array> {
  try {
    return await beside(file);
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    throw new CheckpointError(
      `Expected the part ${show(file)}, which ${show(index)} names, received none: the checkpoint is incomplete.`,
      { cause },
    );
  }
}

function differs(what: string, index: string, received: string): CheckpointError {
  return new CheckpointError(
    `Expected ${what}, as ${show(index)} says, received ${received}: the parts do not belong together.`,
  );
}

/**
 * The files that an index names.
 *
 * @throws CheckpointError if it is no index, or a name is no plain one
 */
export function shardNames(bytes: Uint8Array, name: string): string[] {
  const names = [...parseIndex(bytes, name).keys()];
  const odd = names.find((file) => !/^[\w][\w.-]{0,199}$/.test(file));
  if (odd === undefined) return names;
  throw new CheckpointError(`Expected the plain name of a file in ${show(name)}, received ${show(odd)}.`);
}

// The tensors of each shard, in the order of the index.
function parseIndex(bytes: Uint8Array, name: string): Map<string, string[]> {
  const index = parseStrictJson(decodeUtf8(bytes, name), { name: show(name), maxDepth: 8 });
  const map = index instanceof Map ? index.get('weight_map') : undefined;
  if (!(map instanceof Map) || map.size === 0) {
    throw new CheckpointError(`Expected weight_map, an object of tensors, in ${show(name)}.`);
  }
  const shards = new Map<string, string[]>();
  for (const [tensor, file] of map) {
    if (typeof file !== 'string') {
      throw new CheckpointError(
        `Expected the name of a file for ${show(tensor)} in ${show(name)}, received ${show(file)}.`,
      );
    }
    const own = shards.get(file);
    if (own === undefined) shards.set(file, [tensor]);
    else own.push(tensor);
  }
  if (shards.size > maxShards) {
    throw new CheckpointError(
      `Expected at most ${maxShards} parts in ${show(name)}, received ${shards.size}.`,
    );
  }
  return shards;
}
