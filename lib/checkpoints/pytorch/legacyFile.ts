// PyTorch's files of before 1.6: pickles one behind the other, then the storages.

import { CheckpointError, UnsupportedError, expected, show } from '../../core/errors.ts';
import { bitsPerElement } from '../hostTensor.ts';
import { assertNotHostile, readPickle } from '../pickle/readPickle.ts';
import { itemsOf, type PyValue } from '../pickle/values.ts';
import type { CheckpointFormat, ReadOptions, TensorFile } from '../checkpointFormat.ts';
import { torchMeanings } from './meanings.ts';
import type { StorageNode } from './storage.ts';
import { tensorFileOf } from './tensorFile.ts';

const magic = 0x1950a86a20f9469cfc6cn;
// The magic number as protocol 2 and later write it: LONG1 of ten bytes.
const signature = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/** PyTorch's stacked pickles, which `torch.save` wrote before 1.6 and writes with `_use_new_zipfile_serialization=False`. */
export const torchLegacyFormat: CheckpointFormat = {
  name: 'pytorch-legacy',
  matches: (bytes) =>
    bytes[0] === 0x80 &&
    // Protocol 4 puts the length of a frame between.
    [2, 11].some((at) => signature.every((byte, i) => bytes[at + i] === byte)),
  read: readTorchLegacy,
};

/**
 * Reads a file of stacked pickles; nothing in them is executed.
 *
 * The pickles are: the magic number, the protocol, facts about the machine, the object, the keys of the storages. Behind them stands
 * each storage: the number of its elements in eight bytes, then these.
 *
 * @throws CheckpointError naming the file and what is wrong; UnsupportedError for a big-endian file
 *
 * Source: torch/serialization.py, `_legacy_load`.
 */
function readTorchLegacy(
  bytes: Uint8Array,
  name: string,
  _beside: unknown,
  options?: ReadOptions,
): Promise<TensorFile> {
  const storages = new Map<string, StorageNode>();
  const meanings = torchMeanings(name, storages);
  const plain = { rebuild: meanings.rebuild };
  const bad = (what: string, received: unknown): CheckpointError =>
    new CheckpointError(expected(what, show(name), received));
  let at = 0;
  const next = (wanted = plain): PyValue => {
    const pickle = readPickle(bytes, name, wanted, { start: at });
    assertNotHostile(pickle, name);
    at = pickle.end;
    return pickle.value;
  };
  if (next() !== magic) throw bad("PyTorch's magic number", 'another');
  const protocol = next();
  if (protocol !== 1001) throw bad('protocol 1001', protocol);
  const machine = next();
  if (machine instanceof Map && machine.get('little_endian') === false) {
    throw new UnsupportedError(expected('a little-endian file', show(name), 'a big-endian one'));
  }
  const pickle = readPickle(bytes, name, meanings, { start: at });
  assertNotHostile(pickle, name);
  at = pickle.end;
  const keys = itemsOf(next());
  if (keys === undefined) throw bad('the keys of its storages', 'something else');

  const found = new Map<string, Uint8Array>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (const key of keys) {
    const node = storages.get(String(key as string));
    // A storage that the object does not name has no known size of elements.
    if (node === undefined) throw bad('storages that its tensors use', key);
    if (at + 8 > bytes.length) throw bad('a storage for each key', 'fewer: it is cut short');
    const size = view.getBigInt64(at, true);
    if (size !== BigInt(node.size)) {
      throw bad(`${node.size} elements of storage ${show(node.key)}`, size);
    }
    at += 8;
    const length = node.size * (node.dtype === undefined ? 1 : bitsPerElement(node.dtype) / 8);
    if (at + length > bytes.length) throw bad(`${length} bytes of storage ${show(node.key)}`, 'fewer: it is cut short');
    found.set(node.key, bytes.subarray(at, at + length));
    at += length;
  }
  if (at !== bytes.length) throw bad('the end behind its storages', `${bytes.length - at} bytes more`);
  return tensorFileOf(pickle, name, {
    fileBytes: bytes.length,
    options,
    storage: (node) => {
      const content = found.get(node.key);
      if (content === undefined) throw bad(`storage ${show(node.key)}`, 'none');
      return content;
    },
  });
}
