// Compares the results of a golden case where products are in bf16.

import { compareJson } from './compareJson.ts';
import { negligibleShare, type Bf16Rule } from './bf16Rule.ts';
import { compareRelativeL2, normsOf, combineNorms } from './relativeL2.ts';
import { notProduced } from './report.ts';
import type { Difference } from './compareTensors.ts';
import type { CasePlan, Produced } from './family.ts';
import type { ComputedEntry, GoldenCase } from './goldenCase.ts';
import type { ReferenceFiles } from './referenceFiles.ts';
import type { Norms } from './relativeL2.ts';
import type { EntryResult } from './report.ts';

/** Compares the entries of a case that have tolerances of their own in bf16, and the gradients of each file as one vector. */
export class Bf16Comparison {
  private readonly golden: GoldenCase;
  private readonly plan: CasePlan;
  private readonly reference: ReferenceFiles;
  private readonly gradients = new Map<string, { norms: Norms[]; limit: number }>();
  private readonly totals = new Map<string, number>();

  constructor(golden: GoldenCase, plan: CasePlan, reference: ReferenceFiles) {
    this.golden = golden;
    this.plan = plan;
    this.reference = reference;
  }

  /** The result of an entry; undefined where it is compared as in fp32. */
  compare(entry: ComputedEntry, produced: Produced | undefined): EntryResult | undefined {
    const rule = this.plan.bf16Rule(entry);
    if (rule.kind === 'stored') return undefined;
    if (entry.kind === 'json' && rule.kind === 'numbers') {
      if (produced?.json.has(entry.file) !== true) return notProduced(entry);
      const reference = this.reference.json(entry.file);
      const tolerances = { atol: 0, rtol: rule.rtol };
      const ours = produced.json.get(entry.file);
      const difference = compareJson(ours, reference, entry.steps, tolerances);
      return judged({ ...entry, ...tolerances }, difference);
    }
    if (entry.kind !== 'tensor' || rule.kind === 'numbers') return undefined;
    return this.compareTensor(entry, rule, produced);
  }

  /** The results of the gradients of each file as one vector, without those left out. */
  gradientsTogether(): EntryResult[] {
    return [...this.gradients].map(([file, { norms, limit }]) =>
      judged({ kind: 'gradients', file }, compareRelativeL2(combineNorms(norms), limit)),
    );
  }

  private compareTensor(
    entry: ComputedEntry & { kind: 'tensor' },
    rule: Bf16Rule & { kind: 'output' | 'gradient' },
    produced: Produced | undefined,
  ): EntryResult {
    const reference = this.reference.tensor(entry.file, entry.tensor);
    const ours = produced?.tensor(entry.file, entry.tensor);
    if (ours === undefined) return notProduced(entry);
    const norms = normsOf(ours, reference, entry.exclude);
    if ('ok' in norms) return judged(entry, norms);
    if (rule.kind === 'gradient') {
      if (norms.reference <= negligibleShare * this.gradientNorm(entry.file)) {
        const detail = `inert: the reference gradient of ${entry.tensor} is zero up to rounding`;
        return { entry, verdict: 'skip', detail };
      }
      const file = this.gradients.get(entry.file) ?? { norms: [], limit: rule.together };
      file.norms.push(norms);
      this.gradients.set(entry.file, file);
    }
    return judged(entry, compareRelativeL2(norms, rule.limit));
  }

  // ‖ref‖ over all gradients of a file.
  private gradientNorm(file: string): number {
    const known = this.totals.get(file);
    if (known !== undefined) return known;
    const norms = this.golden.compare.flatMap((entry) => {
      if (entry.kind !== 'tensor' || entry.file !== file) return [];
      const reference = this.reference.tensor(file, entry.tensor);
      const own = normsOf(reference, reference, entry.exclude);
      return 'ok' in own ? [] : [own];
    });
    const { reference: total } = combineNorms(norms);
    this.totals.set(file, total);
    return total;
  }
}

function judged(entry: EntryResult['entry'], difference: Difference): EntryResult {
  return { entry, verdict: difference.ok ? 'ok' : 'FAIL', difference };
}
