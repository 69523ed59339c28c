// A list of modules as a module.

import { assertListOf } from '../core/kinds.ts';
import { Module } from '../core/module.ts';

/** Modules named by their index, as torch.nn.Sequential names them: `blocks.0`, `blocks.1`, … */
export class Sequence<M extends Module> extends Module {
  readonly items: readonly M[];

  constructor(items: readonly M[]) {
    super();
    assertListOf('the modules of a Sequence', items, 'instance');
    this.items = items;
    items.forEach((item, index) => this.child(String(index), item));
  }
}
