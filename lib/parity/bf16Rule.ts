// The tolerances of a golden case where products are in bf16. A rounded operand is off by up to 2⁻⁹ of itself, so single elements
// say little, and the relative L2 norm of a tensor is compared.

import type { CompareEntry, GoldenCase } from './goldenCase.ts';

/**
 * The tolerance of one entry in bf16.
 *
 * stored: as in fp32 · output: ‖ours − ref‖ ≤ limit·‖ref‖ · gradient: the same unless it is negligible, and a limit for all
 * gradients of the file taken as one vector · numbers: |ours − ref| ≤ rtol·|ref| for each
 */
export type Bf16Rule =
  | { kind: 'stored' }
  | { kind: 'output'; limit: number }
  | { kind: 'gradient'; limit: number; together: number }
  | { kind: 'numbers'; rtol: number };

/** A gradient whose reference has less than this share of the norm of all is zero up to rounding and is left out by name. */
export const negligibleShare = 1e-6;

/** The rule for tensors of outputs: a relative L2 norm of 0.03 or another limit. */
export function outputRule(golden: GoldenCase, { limit = 0.03 } = {}): Bf16Rule {
  return { kind: 'output', limit: limit * slack(golden) };
}

/** The rule for gradients: a relative L2 norm of 0.08 for one, of 0.04 for all of a file together. */
export function gradientRule(golden: GoldenCase): Bf16Rule {
  return { kind: 'gradient', limit: 0.08 * slack(golden), together: 0.04 * slack(golden) };
}

/** Whether the tensors of an entry's file are gradients. */
export function hasGradients({ file }: CompareEntry): boolean {
  return file.startsWith('grads');
}

// Logits that were made large on purpose: the softmax magnifies what rounding does to them.
function slack({ config }: GoldenCase): number {
  return config['head_scale'] !== undefined || config['qkv0_scale'] !== undefined ? 3 : 1;
}
