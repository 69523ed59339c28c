// Golden entries that say whether a file must load.

import path from 'node:path';
import { loadModelTensors } from '../checkpoints/modelState.ts';
import { parseSafetensors } from '../checkpoints/safetensors.ts';
import { VitError, messageOf } from '../core/errors.ts';
import { buildModel } from '../models/createModel.ts';
import { readBytes } from './goldenCase.ts';
import { goldenBuild, goldenModelConfig } from './modelConfig.ts';
import type { CompareEntry, GoldenCase } from './goldenCase.ts';
import type { EntryResult } from './report.ts';

/** Which container a file name stands for, and why this build cannot check it, if it cannot. */
export function containerOf(file: string): { container: string; reason?: string } {
  if (file.endsWith('.safetensors')) return { container: 'safetensors' };
  const container = /\.(pth|pt|bin|ckpt)$/.test(file) ? 'pth' : path.extname(file) || 'folder';
  return { container, reason: `the container ${container} is not supported yet` };
}

/**
 * Loads a file as a user would and compares what happened with what must: `load`, `refuse` or `either`.
 *
 * To refuse is to throw a `VitError`. Anything else that is thrown is a defect and fails, whatever was expected. With
 * `into: config` the file is loaded strictly into a model of the case's config; weights that are not finite load.
 */
export function checkExpectation(
  golden: GoldenCase,
  entry: Extract<CompareEntry, { kind: 'expect' }>,
): EntryResult {
  const outcome = tryToLoad(golden, entry);
  const met = entry.expect === 'either' || entry.expect === outcome.did;
  if (outcome.did !== 'break' && met) return { entry, verdict: 'ok', detail: outcome.detail };
  return { entry, verdict: 'FAIL', detail: `expected ${entry.expect}, but: ${outcome.detail}` };
}

function tryToLoad(
  golden: GoldenCase,
  entry: Extract<CompareEntry, { kind: 'expect' }>,
): { did: 'load' | 'refuse' | 'break'; detail: string } {
  // The model is built outside: a config it refuses says nothing about the file.
  const model = entry.into && buildModel(goldenModelConfig(golden.config, golden), goldenBuild);
  try {
    const file = path.join(golden.folder, entry.file);
    const { tensors } = parseSafetensors(readBytes(file), file);
    if (model) loadModelTensors(model, tensors, { strict: true, allowNonFinite: true });
    return { did: 'load', detail: `loaded ${tensors.size} tensors` };
  } catch (error) {
    return { did: error instanceof VitError ? 'refuse' : 'break', detail: messageOf(error) };
  } finally {
    model?.dispose();
  }
}
