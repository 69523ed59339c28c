// The interface of a checkpoint format: how a file of it is recognised and read.

import type { HostTensor } from './hostTensor.ts';

/**
 * The facts that a training program wrote beside the weights, in its own words.
 *
 * @property model       the name of the architecture: DeiT's `args.model`, timm's `arch`
 * @property numClasses  of its data
 * @property imageSize   the side of its images in pixels
 */
export interface CheckpointFacts {
  model?: string;
  numClasses?: number;
  imageSize?: number;
}

/**
 * The content of one file: tensors by the names in it, in its order, and text by key.
 *
 * @property notes    sentences about what was chosen and what was left out; absent where there was no choice
 * @property facts    absent where the file says nothing
 * @property globals  classes and functions that a pickle names and that were read past, by their path
 */
export interface TensorFile {
  tensors: Map<string, HostTensor>;
  metadata: Map<string, string>;
  notes?: readonly string[];
  facts?: CheckpointFacts;
  globals?: readonly string[];
}

/**
 * The choice among several sets of weights in one file.
 *
 * @property useEma         true: the averaged weights, `model_ema` or `state_dict_ema`; default false
 * @property checkpointKey  the key of the weights, with dots between the keys of nested dictionaries: `teacher`
 */
export interface ReadOptions {
  useEma?: boolean | undefined;
  checkpointKey?: string | undefined;
}

/** The bytes of a file that lies beside the one being read, by plain name. @throws CheckpointError, IoError if there is none */
export type ReadBeside = (name: string) => Promise<Uint8Array>;

/**
 * A format of checkpoint files; `registerCheckpointFormat` makes it known.
 *
 * @property name     one word for it, as reports show it: 'safetensors'
 * @property matches  whether a file is of this format, by its content; cheap, and never throws
 * @property read     the content. `name` is how errors call the file; `beside` reads the parts of a checkpoint in several files;
 *                    `options` choose where a file holds several sets of weights. Throws CheckpointError for a broken file,
 *                    UnsupportedError for a kind of file that it does not read
 */
export interface CheckpointFormat {
  readonly name: string;
  matches(bytes: Uint8Array): boolean;
  read(
    bytes: Uint8Array,
    name: string,
    beside: ReadBeside,
    options?: ReadOptions,
  ): TensorFile | Promise<TensorFile>;
}
