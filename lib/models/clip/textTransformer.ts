// The text tower of CLIP: tokens, causal blocks, a norm, the vector at the end of the text.

import type * as tf from '@tensorflow/tfjs';
import { assertInteger } from '../../core/check.ts';
import { assertContext, type ForwardContext } from '../../core/context.ts';
import { InputError, expected } from '../../core/errors.ts';
import { normal } from '../../core/init.ts';
import { namedTensor } from '../../core/intercept.ts';
import { assertListOf } from '../../core/kinds.ts';
import { Module, assertModule, type Parameter } from '../../core/module.ts';
import { Block } from '../../layers/block.ts';
import { initial, inside, type InitScope } from '../../layers/initScope.ts';
import { LayerNorm } from '../../layers/layerNorm.ts';
import { Sequence } from '../../layers/sequence.ts';
import { embedding } from '../../ops/embedding.ts';
import { runBlocks } from '../../ops/runBlocks.ts';
import { takeRows } from '../../ops/takeRows.ts';
import * as t from '../../ops/tensor.ts';
import type { ClipTextConfig } from './config.ts';

/** Texts as numbers of tokens, T rows of one length N. */
export type TokenIds = readonly (readonly number[])[];

/**
 * The options of the text tower, besides the context of a pass.
 *
 * @property attentionMask  [T, N], 0 for a token that no other sees, as padding; default: every token is seen by those behind it
 */
export type TextContext = ForwardContext & { attentionMask?: TokenIds | undefined };

// Far below any logit; its exponential is 0.
const unseen = -1e30;

const forms = { gelu: 'erf', gelu_tanh: 'tanh', quick_gelu: 'quick' } as const;

/**
 * The Transformer over the tokens of texts: [T, N] → [T, N, C], or [T, C] at the end of each text.
 *
 * A token sees itself and those before it. The blocks are those of the image tower, under the path `text`.
 *
 * Source: Radford et al. 2021, section 2.4; transformers, modeling_clip.py, `CLIPTextTransformer`.
 */
export class TextTransformer extends Module {
  readonly config: ClipTextConfig;
  readonly tokenEmbedding: Parameter;
  readonly positionalEmbedding: Parameter;
  readonly blocks: Sequence<Block>;
  readonly norm: LayerNorm;
  readonly path: string;

  constructor(config: ClipTextConfig, scope: InitScope) {
    super();
    const { vocabSize, contextLength, embedDim: dim, normEps, depth, weightInit } = config;
    this.config = config;
    this.path = scope.path;
    const draw = (std: number) => (shape: readonly number[], rng: Parameters<typeof normal>[1]) =>
      normal(shape, rng, { std });
    const table = (name: string, rows: number, std: number) =>
      this.parameter(name, initial(scope, name, [rows, dim], draw(std)));
    this.tokenEmbedding = table('token_embedding', vocabSize, 0.02);
    this.positionalEmbedding = table('positional_embedding', contextLength, 0.01);
    const block = {
      dim,
      numHeads: config.numHeads,
      mlpHiddenDim: config.hiddenDim,
      normEps,
      activation: forms[config.activation],
    };
    const blocks = inside({ ...scope, weightInit }, 'blocks');
    const numbers = Array.from({ length: depth }, (_, i) => String(i));
    this.blocks = this.child(
      'blocks',
      new Sequence(numbers.map((i) => new Block(block, inside(blocks, i)))),
    );
    this.norm = this.child('norm', new LayerNorm({ dim, epsilon: normEps }, inside(scope, 'norm')));
  }

  /** Every token after the last norm: [T, N] → [T, N, C]. @throws InputError for texts that do not fit the configuration */
  forwardFeatures(ids: TokenIds, { attentionMask, ...context }: TextContext = {}): tf.Tensor3D {
    assertModule(this);
    assertContext(context);
    const length = this.assertIds(ids);
    return t.tidy(() => {
      const { embedDim: dim } = this.config;
      const rows = embedding(this.tokenEmbedding as tf.Tensor as tf.Tensor2D, ids.flat());
      const tokens: tf.Tensor3D = t.reshape(rows, [ids.length, length, dim]);
      const places = t.slice(this.positionalEmbedding as tf.Tensor, [0, 0], [length, dim]);
      const input = namedTensor(`${this.path}.blocks.input`, t.add<tf.Tensor3D>(tokens, places), context); // prettier-ignore
      const attnMask = maskOf(ids.length, length, attentionMask);
      const x = runBlocks(this.blocks.items, input, { ...context, attnMask });
      return this.norm.forward(x, context);
    });
  }

  /** The vector at the end of each text: [T, N] → [T, C]. */
  forward(ids: TokenIds, context: TextContext = {}): tf.Tensor2D {
    return t.tidy(() => this.pool(this.forwardFeatures(ids, context), ids));
  }

  /** The features [T, N, C] at the end of each text, [T, C]. */
  pool(features: tf.Tensor3D, ids: TokenIds): tf.Tensor2D {
    const [texts, length, dim] = features.shape;
    const rows = ids.map((text, i) => i * length + this.endOf(text));
    return t.tidy(() => takeRows(t.reshape(features, [texts * length, dim]), rows));
  }

  /** The place at which a text is pooled. */
  endOf(ids: readonly number[]): number {
    const { eosTokenId } = this.config;
    const end = eosTokenId === 2 ? Math.max(...ids) : eosTokenId;
    return Math.max(0, ids.indexOf(end));
  }

  // The length of the texts.
  private assertIds(ids: TokenIds): number {
    const { vocabSize, contextLength } = this.config;
    assertListOf('the texts', ids, 'list');
    const [first] = ids;
    if (first === undefined) throw new InputError(expected('at least one text', 'the texts', []));
    const { length } = first;
    if (length < 1 || length > contextLength) {
      const remedy = 'The tokenizer cuts longer texts.';
      throw new InputError(expected(`1 to ${contextLength} tokens`, 'a text', length, remedy));
    }
    ids.forEach((text, i) => {
      if (text.length !== length) {
        throw new InputError(expected(`${length} tokens, as the first has,`, `text ${i}`, text.length)); // prettier-ignore
      }
      text.forEach((id) => assertInteger(`a token of text ${i}`, id, { min: 0, max: vocabSize - 1 })); // prettier-ignore
    });
    return length;
  }
}

// [1 or T, 1, N, N]: 0 for a token that is not behind and is not hidden, else a number that no logit reaches.
function maskOf(texts: number, length: number, mask: TokenIds | undefined): tf.Tensor4D {
  const count = mask === undefined ? 1 : texts;
  if (mask !== undefined) {
    assertListOf('attentionMask', mask, 'list');
    if (mask.length !== texts || mask.some((row) => row.length !== length)) {
      throw new InputError(expected(`${texts} × ${length} numbers`, 'attentionMask', mask));
    }
  }
  const values = new Float32Array(count * length * length);
  for (let b = 0; b < count; b += 1) {
    for (let i = 0; i < length; i += 1) {
      for (let j = 0; j < length; j += 1) {
        if (j <= i && mask?.[b]![j] !== 0) continue;
        values[(b * length + i) * length + j] = unseen;
      }
    }
  }
  return t.tensor4d(values, [count, 1, length, length]);
}
