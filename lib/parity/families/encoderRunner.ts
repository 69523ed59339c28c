// The interface of a runner of the family encoders.

import type { CasePlan } from '../family.ts';
import type { GoldenCase } from '../goldenCase.ts';

/** The runner of one kind of encoder. */
export interface EncoderRunner {
  /** Whether the config of a case is one of its models. */
  matches(config: Readonly<Record<string, unknown>>): boolean;
  plan(golden: GoldenCase): CasePlan;
}
