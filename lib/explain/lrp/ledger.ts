// The ledger of relevance propagation: where the logit went, image by image and block by block.

import type * as tf from '@tensorflow/tfjs';
import type { Model } from '../../models/model.ts';
import * as t from '../../ops/tensor.ts';
import { assertAttentionModel, type AttentionModel } from '../attentionModel.ts';
import type { Explanation } from '../explanation.ts';
import { perSample, type Take, type TakenBy } from './rule.ts';

/** One entry of a ledger: a share of the logit by name. */
export interface LedgerEntry {
  name: string;
  value: number;
}

/**
 * The logit of one image, shared out.
 *
 * @property total     the logit
 * @property entries   patches, class token (all prefix tokens), position embeddings, biases, softmax, ε
 * @property patches   the shares of the patches one by one, row by row
 * @property residual  total less the sum of all entries: rounding alone
 * @property blocks    the same before each block, first block first: `tokens` of the patches and of the prefix tokens there, and what was
 *                     taken between that place and the logits
 */
export interface Ledger {
  total: number;
  entries: LedgerEntry[];
  patches: number[];
  residual: number;
  blocks: { block: number; entries: LedgerEntry[]; residual: number }[];
}

type Note =
  { kind: 'taken'; by: TakenBy | 'class token'; at: number } | { kind: 'arrived'; at: number };

const names: Readonly<Record<TakenBy | 'class token', string>> = {
  'class token': 'class token',
  position: 'position embeddings',
  bias: 'biases',
  softmax: 'softmax',
  epsilon: 'ε',
  query: 'learned query',
  lost: 'lost',
};

/** Writes down relevance during a pass backward, and reads it as one ledger an image. It owns what it noted: `dispose()`. */
export class LedgerBook {
  private readonly model: AttentionModel;
  private readonly notes: Note[] = [];
  private readonly amounts: tf.Tensor1D[] = [];

  constructor(model: Model) {
    assertAttentionModel(model);
    this.model = model;
  }

  /** For `RelevancePassOptions.take`. */
  readonly take: Take = (_path, by, amount) => {
    this.notes.push({ kind: 'taken', by, at: this.keep(amount) });
  };

  /** For `RelevancePassOptions.arrive`. */
  readonly arrive = (path: string, relevance: tf.Tensor): void => {
    if (path === 'pos_embed.sum' || path === 'pos_embed') {
      // Prefix tokens that have a position leave before the sum, others come in after it.
      if ((path === 'pos_embed.sum') === this.placesPrefix) this.leave(relevance);
      return;
    }
    const [batch, tokens, dim] = relevance.shape as [number, number, number];
    const prefix = this.model.numPrefixTokens;
    const part = (from: number, size: number) =>
      perSample(t.slice(relevance, [0, from, 0], [batch, size, dim]));
    const at = this.keep(prefix > 0 ? part(0, prefix) : t.zeros([batch]));
    this.keep(part(prefix, tokens - prefix));
    this.notes.push({ kind: 'arrived', at });
  };

  /** The ledgers, in the order of the images. */
  async read({ maps, logits, targets }: Explanation): Promise<Ledger[]> {
    const table = t.stack(this.amounts);
    const values = (await table.data()) as Float32Array;
    table.dispose();
    const batch = maps.length;
    return maps.map(({ data }, b) => {
      const amount = (at: number) => values[at * batch + b]!;
      return this.ledger(amount, [...data], logits[b]![targets[b]!]!);
    });
  }

  /** Frees what was noted. */
  dispose(): void {
    t.dispose(this.amounts);
    this.amounts.length = 0;
  }

  private get placesPrefix(): boolean {
    const { noEmbedClass, posEmbed } = this.model.config as Record<string, unknown>;
    return posEmbed !== 'none' && noEmbedClass !== true;
  }

  private ledger(amount: (at: number) => number, patches: number[], total: number): Ledger {
    const taken = new Map<string, number>();
    const blocks: Ledger['blocks'] = [];
    for (const note of this.notes) {
      if (note.kind === 'taken') {
        const name = names[note.by];
        taken.set(name, (taken.get(name) ?? 0) + amount(note.at));
        continue;
      }
      const entries = [
        { name: 'patches', value: amount(note.at + 1) },
        { name: 'class token', value: amount(note.at) },
        ...entriesOf(taken),
      ];
      blocks.unshift({ block: 0, entries, residual: total - sumOf(entries) });
    }
    blocks.forEach((block, i) => (block.block = i));
    const image = patches.reduce((sum, value) => sum + value, 0);
    const entries = [{ name: 'patches', value: image }, ...entriesOf(taken)];
    return { total, entries, patches, residual: total - sumOf(entries), blocks };
  }

  // The prefix tokens are parameters, so relevance ends there.
  private leave(relevance: tf.Tensor): void {
    const prefix = this.model.numPrefixTokens;
    if (prefix === 0) return;
    const [batch, , dim] = relevance.shape as [number, number, number];
    const amount = perSample(t.slice(relevance, [0, 0, 0], [batch, prefix, dim]));
    this.notes.push({ kind: 'taken', by: 'class token', at: this.keep(amount) });
  }

  private keep(amount: tf.Tensor): number {
    this.amounts.push(t.keep(t.clone(amount)) as tf.Tensor1D);
    return this.amounts.length - 1;
  }
}

function entriesOf(taken: ReadonlyMap<string, number>): LedgerEntry[] {
  return [...taken].map(([name, value]) => ({ name, value }));
}

function sumOf(entries: readonly LedgerEntry[]): number {
  return entries.reduce((sum, { value }) => sum + value, 0);
}
