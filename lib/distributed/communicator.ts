/**
 * The processes that train one model together.
 *
 * Every process calls the same methods in the same order; a call returns when all have made it. Sums are taken in the order of
 * ranks, so every rank gets the same bits.
 */
export interface Communicator {
  /** This process, 0 … size − 1. Rank 0 writes files and speaks. */
  readonly rank: number;
  readonly size: number;
  /** Replaces the values by their sum over all ranks, in place. */
  allReduce(values: Float32Array): Promise<void>;
  /** Replaces the values by those of rank `root`, in place. */
  broadcast(values: Float32Array, root?: number): Promise<void>;
  /** Waits until every rank is here. */
  barrier(): Promise<void>;
}
