// The messages between the main thread and a worker that prepares samples, and the memory that they share.

import type { TransformOrigin } from '../data/transform.ts';
import type { ImageSource } from '../data/dataset.ts';
import type { SentError } from '../io/thread.ts';

/**
 * The samples of a loader, as a worker is told of them before the first.
 *
 * Prepared samples lie in `pixels`, each in a slot of `slotBytes`. `claims` has a number for each slot: the ticket of a sample that is
 * waiting there, or −w once worker w has taken it. So the workers share the work among them, while the main thread computes.
 *
 * @property group  the number of the loader
 */
export interface Setup {
  readonly kind: 'setup';
  readonly group: number;
  readonly transforms: readonly TransformOrigin[];
  readonly seed: number;
  readonly slotBytes: number;
  readonly pixels: SharedArrayBuffer;
  readonly claims: SharedArrayBuffer;
}

/**
 * A sample that is to be prepared.
 *
 * @property ticket  its number, which no other sample of the pool has
 * @property alone   true: a thread died while it had claimed it, perhaps of another one. It is prepared while the thread does nothing else
 */
export interface Task {
  readonly group: number;
  readonly ticket: number;
  readonly slot: number;
  readonly index: number;
  readonly epoch: number;
  readonly copy: number;
  readonly alone: boolean;
  readonly source: ImageSource;
}

/** Samples that are to be prepared by whichever worker comes first. */
export interface Tasks {
  readonly kind: 'tasks';
  readonly tasks: readonly Task[];
}

/** A message to a worker. */
export type Order = Setup | Tasks;

/**
 * A sample that is done.
 *
 * @property data   its bytes where they do not fit into the slot; absent: they are there
 * @property error  why there is none
 * @property read   true: the file could be read, and the error came later
 */
export type Answer =
  | {
      readonly ticket: number;
      readonly width: number;
      readonly height: number;
      readonly channels: 1 | 3;
      readonly data?: Uint8Array;
    }
  | { readonly ticket: number; readonly error: SentError; readonly read: boolean };
