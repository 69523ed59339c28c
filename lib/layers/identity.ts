// The layer that changes nothing.

import type * as tf from '@tensorflow/tfjs';
import type { ForwardContext } from '../core/context.ts';
import { namedTensor } from '../core/intercept.ts';
import { Module } from '../core/module.ts';
import { assertScope, type PathScope } from './initScope.ts';

/** y = x, for a place that another layer can take later: the head of a model without classes. */
export class Identity extends Module {
  readonly path: string;

  constructor(scope: PathScope = { path: '' }) {
    super();
    assertScope(scope);
    this.path = scope.path;
  }

  forward<T extends tf.Tensor>(x: T, context: ForwardContext = {}): T {
    return namedTensor(this.path, x, context);
  }
}
