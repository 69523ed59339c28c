// Checkpoints on a disk: a file or a folder becomes tensors, metadata and the configuration of their model.

import { assertFields, assertKind } from '../core/kinds.ts';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InputError, IoError, expected, show } from '../core/errors.ts';
import {
  configFromMetadata,
  checkpointNames,
  maxConfigBytes,
  modelConfigOf,
  parseConfigJson,
} from '../checkpoints/configFile.ts';
import { preprocessorKey, preprocessorName } from '../checkpoints/huggingFaceConfig.ts';
import {
  assertCheckpointStart,
  checkpointStartBytes,
  readTensors,
} from '../checkpoints/readTensors.ts';
import { readBytes, readStart } from './disk.ts';
import { ioError } from './ioError.ts';
import { isPlainName, openFolder } from './folder.ts';
import { sha256 } from './hash.ts';
import type { Folder } from './folder.ts';
import type { ReadOptions } from '../checkpoints/checkpointFormat.ts';
import type { ReadTensors } from '../checkpoints/readTensors.ts';

/**
 * A checkpoint as it lies on the disk.
 *
 * @property tensors   by the names in the file
 * @property metadata  text by key, of a format that has such; else empty
 * @property format    the name of the format, found by content: 'safetensors'
 * @property source    the path of the file
 * @property config    the model's configuration in the vocabulary it was written in: from the file's metadata, else from
 *                     config.json beside it; undefined if neither is there
 * @property record    the content of config.json beside the file, that of a run for example; undefined if there is none
 * @property bytes     the content of the file
 * @property sha256    the hash of `bytes`, computed when it is first asked for
 * @property path      the path of the file
 */
export interface CheckpointFile extends ReadTensors {
  config: object | undefined;
  record: Record<string, unknown> | undefined;
  bytes: Uint8Array;
  readonly sha256: string;
  path: string;
}

/**
 * Reads a checkpoint: a file of a known format (`readTensors`), or a folder that holds one.
 *
 * The format is found by content, whatever the name of the file. In a folder the best checkpoint comes first
 * (`checkpointNames`). Where a manifest lists the file, its SHA-256 is checked.
 *
 * @param options.maxBytes       a longer file is refused before it is read; default 8 GiB
 * @param options.useEma         true: the averaged weights of a file that has both
 * @param options.checkpointKey  the key of the weights in a file that has several sets
 * @throws IoError if there is none or it cannot be read, CheckpointError if it is damaged, UnsupportedError for a format that
 *   is not read
 *
 * @example const {tensors, config} = await readCheckpoint('runs/mnist');
 */
export async function readCheckpoint(
  path: string,
  options: ReadOptions & { maxBytes?: number } = {},
): Promise<CheckpointFile> {
  assertKind('checkpoint', path, 'text');
  assertFields('readCheckpoint', options, { maxBytes: 'number?' });
  const { maxBytes = 2 ** 33, ...choice } = options;
  const file = await findCheckpoint(path);
  const folder = await openFolder(dirname(file), { readOnly: true });
  const name = basename(file);
  // A folder refuses names that no set has, such as hidden ones; a user's file may have one.
  const read = async (part: string): Promise<Uint8Array> =>
    isPlainName(part)
      ? folder.read(part, { maxBytes })
      : readBytes(join(dirname(file), part), { maxBytes });
  const { start, size } = await readStart(file, checkpointStartBytes);
  if (size > start.length) assertCheckpointStart(start, size, file);
  let hash: string | undefined;
  const bytes = await read(name);
  const found = await readTensors(bytes, file, read, choice);
  const stored = await readConfigFile(folder);
  const beside = stored === undefined ? undefined : modelConfigOf(stored);
  const record = stored === undefined ? undefined : await withPreprocessor(stored, folder);
  const config = configFromMetadata(found.metadata, file) ?? beside;
  return {
    ...found,
    config,
    record,
    bytes,
    path: file,
    // Hashing 350 MB takes as long as reading them, and few ask for it.
    get sha256() {
      return (hash ??= sha256(bytes));
    },
  };
}

async function findCheckpoint(path: string): Promise<string> {
  if (path === '' || path.includes('\0'))
    throw new InputError(expected('a path', 'checkpoint', path));
  const found = await stat(path).catch((error: unknown) => {
    throw ioError('read', path, error);
  });
  if (!found.isDirectory()) return path;
  const folder = await openFolder(path, { readOnly: true });
  for (const name of checkpointNames) if (await folder.has(name)) return join(path, name);
  throw new IoError(
    `Cannot find a checkpoint in ${show(path)}: it holds none of ${checkpointNames.join(', ')}.`,
  );
}

// A folder of Hugging Face says in a file of its own how images are prepared.
async function withPreprocessor(
  record: Record<string, unknown>,
  folder: Folder,
): Promise<Record<string, unknown>> {
  if (!(await folder.has(preprocessorName))) return record;
  const bytes = await folder.read(preprocessorName, { maxBytes: maxConfigBytes });
  const place = join(folder.path, preprocessorName);
  return { ...record, [preprocessorKey]: parseConfigJson(bytes, place) };
}

/**
 * The object in a folder's config.json: a run's record, or a model's configuration. Undefined if there is none.
 *
 * Where a manifest lists it, its SHA-256 is checked: one flipped bit would give another mean or number of epochs.
 *
 * @throws CheckpointError if it is damaged, or not an object in JSON; IoError if it is longer than a configuration
 */
export async function readConfigFile(folder: Folder): Promise<Record<string, unknown> | undefined> {
  if (!(await folder.has('config.json'))) return undefined;
  const bytes = await folder.read('config.json', { maxBytes: maxConfigBytes });
  return parseConfigJson(bytes, join(folder.path, 'config.json'));
}
