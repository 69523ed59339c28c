// PyTorch's files since 1.6: a zip archive with a pickle and a storage in each entry.

import { CheckpointError, UnsupportedError, show } from '../../core/errors.ts';
import { assertNotHostile, readPickle } from '../pickle/readPickle.ts';
import { ZipArchive, isZip } from '../zip/zipArchive.ts';
import type { CheckpointFormat, ReadOptions, TensorFile } from '../checkpointFormat.ts';
import { torchMeanings } from './meanings.ts';
import type { StorageNode } from './storage.ts';
import { tensorFileOf } from './tensorFile.ts';

// The longest pickle that is read. The one of ViT-B with its optimizer has 200 kB.
const maxPickleBytes = 2 ** 28;

// A zip archive is PyTorch's by the name of its first entry, which begins at byte 30.
const firstEntry = /^[^/]+\/(data\.pkl|\.format_version|byteorder|version|constants\.pkl)/;

/** PyTorch's zip archives: `.pth`, `.pt`, `.bin`, `.ckpt`. */
export const torchZipFormat: CheckpointFormat = {
  name: 'pytorch',
  matches: (bytes) =>
    isZip(bytes) && firstEntry.test(String.fromCharCode(...bytes.subarray(30, 30 + 300))),
  read: readTorchZip,
};

/**
 * Reads a zip archive of PyTorch; nothing in its pickle is executed.
 *
 * @throws CheckpointError naming the file and what is wrong; UnsupportedError for TorchScript and for big-endian storages
 *
 * Source: torch/serialization.py, `_load`; caffe2/serialize/inline_container.cc.
 */
async function readTorchZip(
  bytes: Uint8Array,
  name: string,
  _beside: unknown,
  options?: ReadOptions,
): Promise<TensorFile> {
  const archive = new ZipArchive(bytes, name);
  const pickles = archive.names().filter((entry) => /^[^/]+\/data\.pkl$/.test(entry));
  const [pickleName] = pickles;
  const folder = pickleName?.slice(0, -'data.pkl'.length);
  if (pickles.length !== 1 || pickleName === undefined || folder === undefined) {
    throw new CheckpointError(
      `Expected one data.pkl in ${show(name)}, received ${pickles.length}.`,
    );
  }
  if (archive.has(`${folder}constants.pkl`)) {
    throw new UnsupportedError(
      `Expected weights as ${show(name)}, received a program of TorchScript. Save its state dict: torch.save(model.state_dict(), "model.pth").`,
    );
  }
  if (archive.has(`${folder}byteorder`)) {
    const order = new TextDecoder().decode(await archive.read(`${folder}byteorder`, { maxBytes: 16 }));
    if (order !== 'little') {
      throw new UnsupportedError(
        `Expected storages in little endian in ${show(name)}, received ${show(order)}.`,
      );
    }
  }
  const storages = new Map<string, StorageNode>();
  const content = await archive.read(pickleName, { maxBytes: maxPickleBytes });
  const pickle = readPickle(content, name, torchMeanings(name, storages));
  assertNotHostile(pickle, name);
  return tensorFileOf(pickle, name, {
    fileBytes: bytes.length,
    options,
    storage: (node) => {
      const entry = `${folder}data/${node.key}`;
      const size = archive.sizeOf(entry);
      if (size !== node.byteLength) {
        throw new CheckpointError(
          `Expected ${node.byteLength} bytes of storage ${show(node.key)} in ${show(name)}, received ${size}.`,
        );
      }
      return archive.read(entry);
    },
  });
}
