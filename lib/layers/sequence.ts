import { Module } from '../core/module.ts';

/** Parts named by their index, as torch.nn.Sequential names them: `blocks.0`, `blocks.1`, … */
export class Sequence<M extends Module> extends Module {
  readonly items: readonly M[];

  constructor(items: readonly M[]) {
    super();
    this.items = items;
    items.forEach((item, index) => this.child(String(index), item));
  }
}

/** A part that changes nothing, for a place that another part can take later: the head of a model without classes. */
export class Identity extends Module {
  forward<T>(x: T): T {
    return x;
  }
}
