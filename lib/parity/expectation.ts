// Files that must load, or must be refused: the `expect` entries of a golden case.

import path from 'node:path';
import { loadModelTensors } from '../checkpoints/modelState.ts';
import { readTensors } from '../checkpoints/readTensors.ts';
import { VitError, messageOf } from '../core/errors.ts';
import { buildModel } from '../models/createModel.ts';
import { readBytes } from './goldenCase.ts';
import { goldenBuild, goldenModelConfig } from './modelConfig.ts';
import type { CompareEntry, GoldenCase } from './goldenCase.ts';
import type { EntryResult } from './report.ts';

/**
 * Loads a file as a user would and compares the outcome with the one expected: `load`, `refuse` or `either`.
 *
 * A file is refused by throwing a `VitError`. Any other error is a defect and fails, whatever was expected. With `into: config`
 * the file is loaded strictly into a model of the case's config; weights that are not finite load.
 */
export async function checkExpectation(
  golden: GoldenCase,
  entry: Extract<CompareEntry, { kind: 'expect' }>,
): Promise<EntryResult> {
  const outcome = await tryToLoad(golden, entry);
  const met = entry.expect === 'either' || entry.expect === outcome.did;
  if (outcome.did !== 'break' && met) return { entry, verdict: 'ok', detail: outcome.detail };
  return { entry, verdict: 'FAIL', detail: `expected ${entry.expect}, but: ${outcome.detail}` };
}

async function tryToLoad(
  golden: GoldenCase,
  entry: Extract<CompareEntry, { kind: 'expect' }>,
): Promise<{ did: 'load' | 'refuse' | 'break'; detail: string }> {
  // The model is built outside, because a config that it refuses says nothing about the file.
  const model = entry.into && buildModel(goldenModelConfig(golden.config, golden), goldenBuild);
  try {
    const file = path.join(golden.folder, entry.file);
    const { tensors } = await readTensors(readBytes(file), file);
    if (model) loadModelTensors(model, tensors, { strict: true, allowNonFinite: true });
    return { did: 'load', detail: `loaded ${tensors.size} tensors` };
  } catch (error) {
    return { did: error instanceof VitError ? 'refuse' : 'break', detail: messageOf(error) };
  } finally {
    model?.dispose();
  }
}
