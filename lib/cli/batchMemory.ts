// The memory that a batch takes, estimated from the layers of a model before anything is allocated.

import { sizeOf } from '../core/check.ts';
import { InputError } from '../core/errors.ts';
import { availableBytes, formatBytes } from '../io/memory.ts';
import { buildModel } from '../models/createModel.ts';
import { sumParameters } from '../models/layerRow.ts';
import type { Model } from '../models/model.ts';

/** The work whose memory is estimated. */
export interface BatchWork {
  /** How the message calls the option: `--batch-size`. */
  option: string;
  model: Pick<Model, 'layerTable' | 'inputShape'>;
  batchSize: number;
  /** true: the results of all layers are kept for the backward pass. */
  training: boolean;
}

/**
 * The bytes of float32 that a batch takes, B·(image + results), and the model beside it.
 *
 * A training step keeps the result of every layer, and of every parameter the gradient and two moments. A forward pass has three of
 * its largest results at a time. Attention probabilities, which only some backends hold, are not counted.
 */
export function batchBytes({ model, batchSize, training }: Omit<BatchWork, 'option'>): {
  perImage: number;
  total: number;
} {
  const rows = model.layerTable();
  const results = rows.map(({ output }) => sizeOf(output));
  const kept = training
    ? results.reduce((sum, size) => sum + size, 0)
    : 3 * results.reduce((most, size) => Math.max(most, size), 0);
  const perImage = 4 * (2 * sizeOf(model.inputShape) + kept);
  const beside = training ? 3 * 4 * sumParameters(rows) : 0;
  return { perImage, total: beside + batchSize * perImage };
}

/**
 * Refuses a batch that the memory of this process does not hold, before it is allocated.
 *
 * @param free  the bytes that are left; for tests
 * @throws InputError saying what it would take, what is free, and which batch fits
 */
export function assertBatchFits(work: BatchWork, free = availableBytes()): void {
  const { perImage, total } = batchBytes(work);
  if (total <= free) return;
  const { option, batchSize, training } = work;
  const beside = total - batchSize * perImage;
  const most = Math.floor((0.8 * free - beside) / perImage);
  // Two digits are as exact as an estimate is.
  const digits = 10 ** Math.max(0, Math.floor(Math.log10(Math.max(1, most))) - 1);
  const fits = Math.floor(most / digits) * digits;
  const remedy = fits >= 1 ? `A batch of ${fits} fits.` : 'Take a smaller model or image.';
  const what = training ? 'a training step' : 'a forward pass';
  throw new InputError(
    `Expected a batch that fits into memory for ${option}, received ${batchSize}: ` +
      `${what} takes about ${formatBytes(total)}, ${formatBytes(free)} are free. ${remedy}`,
  );
}

/**
 * `assertBatchFits` for a model that is not built yet, so that nobody waits for weights to be drawn before the refusal.
 *
 * @param options  of the model, as `buildModel` takes them
 * @throws InputError as `assertBatchFits`
 */
export function assertBatchWillFit(options: object, work: Omit<BatchWork, 'model'>): void {
  const model = buildModel(options, { initialize: false, onWarning: () => undefined });
  try {
    assertBatchFits({ ...work, model });
  } finally {
    model.dispose();
  }
}
