// The weights in a pickle of PyTorch as the content of a checkpoint: chosen, and their elements read.

import { CheckpointError, UnsupportedError, listed, show } from '../../core/errors.ts';
import type { CheckpointFacts, ReadOptions, TensorFile } from '../checkpointFormat.ts';
import type { HostTensor } from '../hostTensor.ts';
import { numpyArray } from './numpyArray.ts';
import type { ReadPickle } from '../pickle/readPickle.ts';
import { entriesOf, type PyValue } from '../pickle/values.ts';
import { chooseStateDict } from './stateDict.ts';
import { OtherTensor, TensorNode, elementsOfTensor, type StorageNode } from './storage.ts';

const maxNameLength = 4096;

/**
 * Reads the chosen weights.
 *
 * @param source.fileBytes  the length of the file; copies of views may have four times as many bytes
 * @param source.storage    the bytes of a storage, checked against its size
 * @throws CheckpointError, UnsupportedError naming the file and the tensor
 */
export async function tensorFileOf(
  pickle: ReadPickle,
  name: string,
  source: {
    fileBytes: number;
    options: ReadOptions | undefined;
    storage: (node: StorageNode) => Uint8Array | Promise<Uint8Array>;
  },
): Promise<TensorFile> {
  const { leaves, others, notes } = chooseStateDict(pickle.value, name, source.options);
  if (others.length > 0) notes.push(`No tensors, left out: ${listed(others, 6)}.`);
  let left = 4 * source.fileBytes;
  const budget = (bytes: number): void => {
    left -= bytes;
    if (left < 0) {
      throw new CheckpointError(
        `Expected tensors of at most four times the ${source.fileBytes} bytes of ${show(name)}, received more: views of one storage that is repeated.`,
      );
    }
  };
  const held = new Map<string, Uint8Array>();
  const tensors = new Map<string, HostTensor>();
  for (const [key, leaf] of leaves) {
    if (key.length > maxNameLength || key.includes('\0')) {
      throw new CheckpointError(`Expected a name without NUL in ${show(name)}, received ${show(key)}.`);
    }
    if (leaf instanceof OtherTensor) {
      throw new UnsupportedError(
        `Expected a dense tensor for ${show(key)} of ${show(name)}, received ${leaf.what}.`,
      );
    }
    if (!(leaf instanceof TensorNode)) {
      tensors.set(key, numpyArray(leaf, key));
      continue;
    }
    const { storage } = leaf;
    let bytes = held.get(storage.key);
    // A tensor without elements needs no storage.
    if (bytes === undefined) {
      bytes = await source.storage(storage);
      held.set(storage.key, bytes);
    }
    tensors.set(key, elementsOfTensor(leaf, bytes, key, budget));
  }
  const facts = factsIn(pickle.value);
  return {
    tensors,
    metadata: new Map(),
    ...(notes.length > 0 && { notes }),
    ...(Object.keys(facts).length > 0 && { facts }),
    ...(pickle.globals.size > 0 && { globals: [...pickle.globals] }),
  };
}

/** The facts that timm, DeiT and Lightning write beside the weights: `arch`, and the arguments of the program. */
function factsIn(root: PyValue): CheckpointFacts {
  const entries = entriesOf(root);
  const args = ['args', 'hyper_parameters', 'cfg', 'config']
    .map((key) => entriesOf(entries?.get(key)))
    .find((found) => found !== undefined);
  const text = (...values: (PyValue | undefined)[]) =>
    values.find((value) => typeof value === 'string' && /^[\w.-]{1,100}$/.test(value));
  const count = (...keys: string[]) =>
    keys
      .map((key) => args?.get(key))
      .find((value) => typeof value === 'number' && Number.isSafeInteger(value) && value > 0);
  const model = text(entries?.get('arch'), args?.get('model'), args?.get('arch'), args?.get('model_name'));
  const numClasses = count('nb_classes', 'num_classes');
  const imageSize = count('input_size', 'img_size');
  return {
    ...(typeof model === 'string' && { model }),
    ...(typeof numClasses === 'number' && { numClasses }),
    ...(typeof imageSize === 'number' && { imageSize }),
  };
}
