// Reads the tensors of a checkpoint file of any known format. The format is found by content, never by the name of the file.

import { assertRegistrable } from '../core/check.ts';
import { assertFields } from '../core/kinds.ts';
import { CheckpointError, InputError, UnsupportedError, expected, show } from '../core/errors.ts';
import { recognizeForeignFile } from './foreignFile.ts';
import { npzFormat } from './npz.ts';
import { torchLegacyFormat } from './pytorch/legacyFile.ts';
import { torchZipFormat } from './pytorch/zipFile.ts';
import { safetensorsFormat } from './safetensors.ts';
import { shardedFormat } from './sharded.ts';
import type { CheckpointFormat, ReadBeside, ReadOptions, TensorFile } from './checkpointFormat.ts';

/**
 * The tensors of a file and where they came from.
 *
 * @property format  the name of the format that read them
 * @property source  the name of the file
 */
export interface ReadTensors extends TensorFile {
  format: string;
  source: string;
}

const formats: CheckpointFormat[] = [
  safetensorsFormat,
  torchZipFormat,
  torchLegacyFormat,
  npzFormat,
  shardedFormat((bytes, name, options) => {
    const format = formatOf(bytes);
    if (format?.name === 'sharded') {
      throw new CheckpointError(expected('tensors', show(name), 'another index'));
    }
    return readAs(format, bytes, { name, options });
  }),
];

/** The names of the formats that are read, in the order in which a file is offered to them. */
export function checkpointFormats(): string[] {
  return formats.map(({ name }) => name);
}

/**
 * Makes a format known to everything that reads checkpoints; it is asked after those that were there before.
 *
 * @throws InputError if a format of this name is known already, or a method is missing
 *
 * @example
 * registerCheckpointFormat({name: 'mine', matches: (bytes) => bytes[0] === 0x4d, read: (bytes, name) => parseMine(bytes, name)});
 */
export function registerCheckpointFormat(format: CheckpointFormat): void {
  const methods = ['matches', 'read'];
  assertRegistrable('a checkpoint format', format, { name: 'name', methods });
  if (checkpointFormats().includes(format.name)) {
    throw new InputError(expected('a new name', 'checkpoint format', format.name));
  }
  formats.push(format);
}

/**
 * Reads the tensors of one file, in the format that its content shows. Nothing that a file holds is executed.
 *
 * @param name     how errors call the file
 * @param beside   reads a file beside this one, for a checkpoint in several files; absent where there are only bytes
 * @param options  which of several sets of weights is taken
 * @throws CheckpointError if the file is damaged, hostile or none; UnsupportedError if it holds weights in a format that is not read
 *
 * @example
 * const {tensors, format} = await readTensors(bytes, 'deit_tiny.pth');   // format: 'pytorch'
 */
export async function readTensors(
  bytes: Uint8Array,
  name = 'checkpoint',
  beside?: ReadBeside,
  options?: ReadOptions,
): Promise<ReadTensors> {
  if (!isBytes(bytes)) {
    const remedy = 'Give new Uint8Array(buffer) for an ArrayBuffer.';
    throw new InputError(expected('a Uint8Array', show(name), bytes, remedy));
  }
  if (options !== undefined) {
    assertFields('readTensors', options, { useEma: 'boolean?', checkpointKey: 'text?' });
  }
  const format = formatOf(bytes);
  const found = await readAs(format, bytes, { name, beside, options });
  return { ...found, format: format!.name, source: name };
}

// So much of a file tells the library's own formats apart.
const ownFormats = new Set(checkpointFormats());

/** The bytes at the beginning of a file that `assertCheckpointStart` looks at. */
export const checkpointStartBytes = 65_536;

/**
 * Makes sure, by its beginning, that a file is worth reading whole. Where other formats are registered, nothing is known by that.
 *
 * @param start  the first `checkpointStartBytes` bytes
 * @param size   of the whole file
 * @throws CheckpointError, UnsupportedError as `readTensors`
 */
export function assertCheckpointStart(start: Uint8Array, size: number, name: string): void {
  const others = checkpointFormats().some((format) => !ownFormats.has(format));
  if (others || formatOf(start) !== undefined) return;
  throw noCheckpoint(start, name, size);
}

function formatOf(bytes: Uint8Array): CheckpointFormat | undefined {
  return formats.find((candidate) => candidate.matches(bytes));
}

async function readAs(
  format: CheckpointFormat | undefined,
  bytes: Uint8Array,
  {
    name,
    beside,
    options,
  }: { name: string; beside?: ReadBeside | undefined; options?: ReadOptions | undefined },
): Promise<TensorFile> {
  if (format === undefined) throw noCheckpoint(bytes, name);
  return format.read(bytes, name, plainNamesOnly(name, beside), options);
}

// By name: bytes of another realm are of another class.
function isBytes(value: unknown): boolean {
  return /^\[object Uint8Array\]$/.test(Object.prototype.toString.call(value));
}

// A file of unknown origin must not make us read outside its folder.
function plainNamesOnly(file: string, beside: ReadBeside | undefined): ReadBeside {
  return async (name) => {
    if (!/^[^./\\:\0][^/\\:\0]*$/.test(name)) {
      throw new CheckpointError(expected('the plain name of a file beside it', show(file), name));
    }
    if (beside === undefined) {
      const remedy = `Give the folder of ${show(file)}, not its bytes.`;
      throw new CheckpointError(expected('a file beside it', show(file), name, remedy));
    }
    return beside(name);
  };
}

function noCheckpoint(
  bytes: Uint8Array,
  name: string,
  size = bytes.length,
): CheckpointError | UnsupportedError {
  const wanted = `Expected a checkpoint (${checkpointFormats().join(', ')}) as ${show(name)}`;
  const foreign = recognizeForeignFile(bytes);
  if (foreign !== undefined) {
    const message = `${wanted}, received ${foreign.what}. ${foreign.remedy}`;
    return foreign.container ? new UnsupportedError(message) : new CheckpointError(message);
  }
  if (size === 0) return new CheckpointError(`${wanted}, received an empty file.`);
  const start = [...bytes.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0'));
  return new CheckpointError(
    `${wanted}, received ${size} bytes that begin with ${start.join(' ')}.`,
  );
}
