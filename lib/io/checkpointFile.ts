// A checkpoint on the disk: where it lies, and what stands beside it.

import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import {
  CheckpointError,
  InputError,
  IoError,
  UnsupportedError,
  expected,
  show,
} from '../core/errors.ts';
import {
  carriedConfig,
  checkpointNames,
  modelConfigOf,
  parseConfigJson,
} from '../checkpoints/configFile.ts';
import { parseSafetensors } from '../checkpoints/safetensors.ts';
import { readBytes } from './disk.ts';
import { ioError } from './ioError.ts';
import { openFolder } from './folder.ts';
import { sha256 } from './hash.ts';
import type { Folder } from './folder.ts';
import type { HostTensor } from '../checkpoints/hostTensor.ts';

/**
 * A checkpoint as it lies on the disk.
 *
 * @property tensors   by the names in the file
 * @property metadata  of the safetensors file
 * @property config    the model's configuration in the vocabulary it was written in: from the file's metadata, else from
 *                     config.json beside it; undefined if neither is there
 * @property bytes     of the file
 * @property sha256    of the bytes
 * @property path      of the file
 */
export interface CheckpointFile {
  tensors: Map<string, HostTensor>;
  metadata: Map<string, string>;
  config: object | undefined;
  bytes: Uint8Array;
  sha256: string;
  path: string;
}

/**
 * Reads a checkpoint: a safetensors file, or a folder that holds one.
 *
 * In a folder the best checkpoint comes first (`checkpointNames`). Where a manifest lists the file, its SHA-256 is checked.
 *
 * @param maxBytes  a longer file is refused before it is read; default 8 GiB
 * @throws IoError if there is none or it cannot be read, CheckpointError if it is damaged, UnsupportedError for a format that
 *   is not read
 *
 * @example const {tensors, config} = await readCheckpoint('runs/mnist');
 */
export async function readCheckpoint(
  path: string,
  { maxBytes = 2 ** 33 }: { maxBytes?: number } = {},
): Promise<CheckpointFile> {
  const file = await findCheckpoint(path);
  assertReadable(file);
  const folder = await openFolder(dirname(file), { readOnly: true });
  const name = basename(file);
  const listed = !name.startsWith('.') && (await listsFile(folder, name));
  const bytes = listed ? await folder.readChecked(name) : await readBytes(file, { maxBytes });
  const { tensors, metadata } = parseSafetensors(bytes, file);
  const config = carriedConfig(metadata, file) ?? (await configBeside(folder));
  return { tensors, metadata, config, bytes, sha256: sha256(bytes), path: file };
}

async function listsFile(folder: Folder, name: string): Promise<boolean> {
  try {
    return (await folder.manifest())?.files.has(name) === true;
  } catch (error) {
    // A manifest.json of another program is none of ours.
    if (error instanceof CheckpointError) return false;
    throw error;
  }
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

function assertReadable(file: string): void {
  if (/\.safetensors$/i.test(file)) return;
  if (/\.(pth|pt|bin|ckpt|pkl)$/i.test(file)) {
    throw new UnsupportedError(
      `PyTorch's own files are not read here, received ${show(file)}. Convert it in Python: ` +
        'safetensors.torch.save_file(state_dict, "model.safetensors").',
    );
  }
  if (/\.(onnx|h5|keras|npz|tflite|gguf)$/i.test(file)) {
    throw new UnsupportedError(
      `Expected a .safetensors file as checkpoint, received ${show(file)}.`,
    );
  }
}

/**
 * The object in a folder's config.json: a run's record, or a model's configuration. Undefined if there is none.
 *
 * @throws CheckpointError if it is not an object in JSON
 */
export async function readConfigFile(folder: Folder): Promise<Record<string, unknown> | undefined> {
  if (!(await folder.has('config.json'))) return undefined;
  const text = new TextDecoder().decode(await folder.read('config.json'));
  return parseConfigJson(text, join(folder.path, 'config.json'));
}

async function configBeside(folder: Folder): Promise<object | undefined> {
  const record = await readConfigFile(folder);
  return record === undefined ? undefined : modelConfigOf(record);
}
