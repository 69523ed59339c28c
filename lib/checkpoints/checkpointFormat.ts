// The interface of a checkpoint format: how a file of it is recognised and read.

import type { HostTensor } from './hostTensor.ts';

/** The content of one file: tensors by the names in it, in its order, and text by key. */
export interface TensorFile {
  tensors: Map<string, HostTensor>;
  metadata: Map<string, string>;
}

/** The bytes of a file that lies beside the one being read, by plain name. @throws CheckpointError, IoError if there is none */
export type ReadBeside = (name: string) => Promise<Uint8Array>;

/**
 * A format of checkpoint files; `registerCheckpointFormat` makes it known.
 *
 * @property name     one word for it, as reports show it: 'safetensors'
 * @property matches  whether a file is of this format, by its content; cheap, and never throws
 * @property read     the content. `name` is how errors call the file; `beside` reads the parts of a checkpoint in several files.
 *                    Throws CheckpointError for a broken file, UnsupportedError for a kind of file that it does not read
 */
export interface CheckpointFormat {
  readonly name: string;
  matches(bytes: Uint8Array): boolean;
  read(bytes: Uint8Array, name: string, beside: ReadBeside): TensorFile | Promise<TensorFile>;
}
