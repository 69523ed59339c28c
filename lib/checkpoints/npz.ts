// NumPy's archives of arrays, .npz: the form of Google's Vision Transformers.

import { CheckpointError, show } from '../core/errors.ts';
import type { CheckpointFormat, TensorFile } from './checkpointFormat.ts';
import type { HostTensor } from './hostTensor.ts';
import { parseNpy } from './npy.ts';
import { ZipArchive, isZip } from './zip/zipArchive.ts';

/** A zip archive whose first entry is an array. */
export const npzFormat: CheckpointFormat = {
  name: 'npz',
  matches: (bytes) => {
    if (!isZip(bytes) || bytes.length < 30) return false;
    const length = bytes[26]! | (bytes[27]! << 8);
    return /\.npy$/.test(String.fromCharCode(...bytes.subarray(30, 30 + Math.min(length, 4096))));
  },
  read: readNpz,
};

/** Reads every array of an archive; nothing is evaluated. @throws CheckpointError, UnsupportedError naming the file or the array */
async function readNpz(bytes: Uint8Array, name: string): Promise<TensorFile> {
  const archive = new ZipArchive(bytes, name);
  const tensors = new Map<string, HostTensor>();
  for (const entry of archive.names()) {
    if (!entry.endsWith('.npy')) {
      throw new CheckpointError(
        `Expected arrays in ${show(name)}, received an entry ${show(entry)}.`,
      );
    }
    const key = entry.slice(0, -'.npy'.length);
    tensors.set(key, parseNpy(await archive.read(entry), key));
  }
  return { tensors, metadata: new Map() };
}
