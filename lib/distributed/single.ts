import type { Communicator } from './communicator.ts';

/** The communicator of a process that trains alone: nothing to exchange, nothing to wait for. */
export const single: Communicator = {
  rank: 0,
  size: 1,
  allReduce: () => Promise.resolve(),
  broadcast: () => Promise.resolve(),
  barrier: () => Promise.resolve(),
};
