// The check of commands that need a prediction for each image.

import { InputError, expected } from '../core/errors.ts';
import type { Model } from '../models/model.ts';

/**
 * Throws unless a model gives logits of classes for an image.
 *
 * @param command  how the error calls what needs them
 * @throws InputError naming the option of the model that is in the way
 */
export function assertClassifier(model: Model, command: string): void {
  if (model.numClasses === 0) {
    const remedy = 'It gives features; vis draws its attention.';
    throw new InputError(expected('a model with classes', command, 'numClasses 0', remedy));
  }
  if ((model as { globalPool?: unknown }).globalPool === '') {
    const remedy = 'It gives logits for each token; vis draws its attention.';
    throw new InputError(expected('a model with pooled tokens', command, "globalPool ''", remedy));
  }
}
