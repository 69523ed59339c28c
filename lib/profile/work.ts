// The work of kernels: FLOPs computed and bytes moved.

import { bytesOf, type Cost, type KernelCall } from './cost.ts';
import { ownCosts } from './ownCosts.ts';
import { tfjsCosts } from './tfjsCosts.ts';

/**
 * The work of a kernel.
 *
 * @property macs   multiply-adds of matrix products
 * @property flops  floating-point operations; undefined where the kernel has no formula
 * @property bytes  bytes of the tensors read and written, as if each were touched once
 */
export interface Work {
  macs: number;
  flops: number | undefined;
  bytes: number;
}

// The contract of a kernel of ours types its inputs and attributes.
const costs = new Map<string, Cost>(
  Object.entries({ ...tfjsCosts, ...(ownCosts as unknown as typeof tfjsCosts) }),
);

/** The work of one call, from shapes and attributes alone. */
export function workOf(kernelName: string, call: KernelCall): Work {
  const all = [...Object.values(call.inputs), ...call.outputs];
  const cost = costs.get(kernelName);
  const { macs = 0, flops = 2 * macs, bytes = bytesOf(all) } = cost?.(call) ?? {};
  return { macs, flops: cost === undefined ? undefined : flops, bytes };
}
