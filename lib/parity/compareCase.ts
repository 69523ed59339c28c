// Every entry of a case compared with what was produced, in the order of the case.

import type { Precision } from '../core/precision.ts';
import { Bf16Comparison } from './compareInBf16.ts';
import { compareImages } from './compareImages.ts';
import { compareJson } from './compareJson.ts';
import { compareTensors } from './compareTensors.ts';
import { checkExpectation } from './expectation.ts';
import { ReferenceFiles } from './referenceFiles.ts';
import { notProduced } from './report.ts';
import type { Difference } from './compareTensors.ts';
import type { CasePlan, Produced } from './family.ts';
import type { ComputedEntry, GoldenCase } from './goldenCase.ts';
import type { EntryResult } from './report.ts';

/**
 * Compares what a run of a case made with its reference.
 *
 * @param made.produced  undefined when no entry needed anything computed
 * @throws IoError, CheckpointError, InputError if the reference cannot be read, which makes the case invalid
 */
export async function compareAll(
  golden: GoldenCase,
  plan: CasePlan,
  { produced, precision }: { produced: Produced | undefined; precision: Precision },
): Promise<EntryResult[]> {
  const reference = new ReferenceFiles(golden);
  const inBf16 = precision === 'bf16' ? new Bf16Comparison(golden, plan, reference) : undefined;
  const entries: EntryResult[] = [];
  for (const entry of golden.compare) {
    const reason = plan.unsupported(entry);
    if (reason !== undefined) {
      entries.push({ entry, verdict: 'skip', detail: reason });
    } else if (entry.kind === 'expect') {
      entries.push(await checkExpectation(golden, entry));
    } else {
      const result = inBf16?.compare(entry, produced);
      entries.push(result ?? (await compareAsStored(entry, reference, produced)));
    }
  }
  return [...entries, ...(inBf16?.gradientsTogether() ?? [])];
}

async function compareAsStored(
  entry: ComputedEntry,
  reference: ReferenceFiles,
  produced: Produced | undefined,
): Promise<EntryResult> {
  const difference = await compareEntry(entry, reference, produced);
  if (difference !== undefined) {
    return { entry, verdict: difference.ok ? 'ok' : 'FAIL', difference };
  }
  return notProduced(entry);
}

// The difference, or undefined when nothing of this name was produced.
async function compareEntry(
  entry: ComputedEntry,
  reference: ReferenceFiles,
  produced: Produced | undefined,
): Promise<Difference | undefined> {
  switch (entry.kind) {
    case 'tensor': {
      const wanted = reference.tensor(entry.file, entry.tensor);
      const ours = produced?.tensor(entry.file, entry.tensor);
      return ours && compareTensors(ours, wanted, entry);
    }
    case 'json': {
      const wanted = reference.json(entry.file);
      if (produced?.json.has(entry.file) !== true) return undefined;
      return compareJson(produced.json.get(entry.file), wanted, entry.steps, entry);
    }
    case 'image': {
      const ours = produced?.images.get(entry.file);
      return ours && compareImages(ours, reference.path(entry.file), entry.atol);
    }
  }
}
