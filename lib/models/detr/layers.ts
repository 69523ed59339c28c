// The layers of a DETR's transformer, norms after their branches, and the MLP of its boxes.

import type * as tf from '@tensorflow/tfjs';
import * as t from '../../ops/tensor.ts';
import type { ForwardContext } from '../../core/context.ts';
import { moduleStep } from '../../core/intercept.ts';
import { Module } from '../../core/module.ts';
import { Dropout } from '../../layers/drop.ts';
import { inside, type InitScope } from '../../layers/initScope.ts';
import { LayerNorm } from '../../layers/layerNorm.ts';
import { Linear } from '../../layers/linear.ts';
import { MultiHeadAttention } from '../../layers/multiHeadAttention.ts';
import { Sequence } from '../../layers/sequence.ts';

/** The configuration of a layer of the transformer. */
export interface TransformerLayerConfig {
  dim: number;
  numHeads: number;
  ffnDim: number;
  dropout: number;
  attentionDropout: number;
  activationDropout: number;
}

/**
 * The tokens of an image for the decoder.
 *
 * @property tokens     [B, N, C]
 * @property positions  [B or 1, N, C]
 * @property bias       [B, N] for the logits of attention, where some tokens are padding
 */
export interface ImageTokens {
  tokens: tf.Tensor3D;
  positions: tf.Tensor3D;
  bias?: tf.Tensor2D | undefined;
}

abstract class TransformerLayer extends Module {
  readonly path: string;
  protected readonly config: TransformerLayerConfig;
  protected readonly scope: InitScope;
  private dropouts = 0;

  constructor(config: TransformerLayerConfig, scope: InitScope) {
    super();
    this.config = config;
    this.scope = scope;
    this.path = scope.path;
  }

  protected attention(name: string): MultiHeadAttention {
    const { dim, numHeads, attentionDropout: attnDrop } = this.config;
    const scope = inside(this.scope, name);
    return this.child(name, new MultiHeadAttention({ dim, numHeads, attnDrop }, scope));
  }

  protected norm(name: string): LayerNorm {
    const config = { dim: this.config.dim, epsilon: 1e-5 };
    return this.child(name, new LayerNorm(config, inside(this.scope, name)));
  }

  protected dense(name: string, inFeatures: number, outFeatures: number): Linear {
    return this.child(name, new Linear({ inFeatures, outFeatures }, inside(this.scope, name)));
  }

  // Draws of different places of a layer differ by the number of the dropout.
  protected dropout(rate: number): Dropout {
    this.dropouts += 1;
    return new Dropout(rate, inside(this.scope, `dropout${this.dropouts}`));
  }
}

/**
 * A layer of the encoder, [B, N, C] → [B, N, C].
 *
 * y = norm(x + attn(x + positions, x)), out = norm(y + fc2(relu(fc1(y)))). Positions are added to queries and keys, not to values.
 */
export class EncoderLayer extends TransformerLayer {
  readonly selfAttn = this.attention('self_attn');
  readonly selfAttnNorm = this.norm('self_attn_layer_norm');
  readonly fc1 = this.dense('fc1', this.config.dim, this.config.ffnDim);
  readonly fc2 = this.dense('fc2', this.config.ffnDim, this.config.dim);
  readonly finalNorm = this.norm('final_layer_norm');
  private readonly drops = [
    this.dropout(this.config.dropout),
    this.dropout(this.config.activationDropout),
    this.dropout(this.config.dropout),
  ] as const;

  forward(
    x: tf.Tensor3D,
    { positions, bias }: Omit<ImageTokens, 'tokens'>,
    context: ForwardContext = {},
  ): tf.Tensor3D {
    const [afterAttention, withinMlp, afterMlp] = this.drops;
    return moduleStep(this, x, context, (given) =>
      t.tidy(() => {
        const placed = t.add<tf.Tensor3D>(given, positions);
        const keys = { keys: placed, values: given, bias };
        const seen = afterAttention.forward(this.selfAttn.forward(placed, keys, context), context);
        const y = this.selfAttnNorm.forward(t.add<tf.Tensor3D>(given, seen), context);
        const hidden = withinMlp.forward(t.relu(this.fc1.forward(y, context)), context);
        const mlp = afterMlp.forward(this.fc2.forward(hidden, context), context);
        return this.finalNorm.forward(t.add<tf.Tensor3D>(y, mlp), context);
      }),
    );
  }
}

/**
 * A layer of the decoder, [B, Q, C] → [B, Q, C]: attention among the queries, attention to the image, an MLP; a norm after each sum.
 *
 * The embeddings of the queries are added to queries and keys, the positions of the image to its keys.
 */
export class DecoderLayer extends TransformerLayer {
  readonly selfAttn = this.attention('self_attn');
  readonly selfAttnNorm = this.norm('self_attn_layer_norm');
  readonly crossAttn = this.attention('encoder_attn');
  readonly crossAttnNorm = this.norm('encoder_attn_layer_norm');
  readonly fc1 = this.dense('fc1', this.config.dim, this.config.ffnDim);
  readonly fc2 = this.dense('fc2', this.config.ffnDim, this.config.dim);
  readonly finalNorm = this.norm('final_layer_norm');
  private readonly drops = [
    this.dropout(this.config.dropout),
    this.dropout(this.config.dropout),
    this.dropout(this.config.activationDropout),
    this.dropout(this.config.dropout),
  ] as const;

  /** @param queries [1, Q, C], the embeddings of the queries */
  forward(
    x: tf.Tensor3D,
    { queries, image }: { queries: tf.Tensor3D; image: ImageTokens },
    context: ForwardContext = {},
  ): tf.Tensor3D {
    const [afterSelf, afterCross, withinMlp, afterMlp] = this.drops;
    return moduleStep(this, x, context, (given) =>
      t.tidy(() => {
        const placed = t.add<tf.Tensor3D>(given, queries);
        const among = { keys: placed, values: given };
        const own = afterSelf.forward(this.selfAttn.forward(placed, among, context), context);
        const y = this.selfAttnNorm.forward(t.add<tf.Tensor3D>(given, own), context);
        const { tokens: values, positions, bias } = image;
        const looked = { keys: t.add<tf.Tensor3D>(values, positions), values, bias };
        const asking = t.add<tf.Tensor3D>(y, queries);
        const seen = afterCross.forward(this.crossAttn.forward(asking, looked, context), context);
        const z = this.crossAttnNorm.forward(t.add<tf.Tensor3D>(y, seen), context);
        const hidden = withinMlp.forward(t.relu(this.fc1.forward(z, context)), context);
        const mlp = afterMlp.forward(this.fc2.forward(hidden, context), context);
        return this.finalNorm.forward(t.add<tf.Tensor3D>(z, mlp), context);
      }),
    );
  }
}

/** Three linear layers with ReLU between them and a sigmoid after them, [B, Q, C] → [B, Q, 4]: centre, width and height as shares. */
export class BoxPredictor extends Module {
  readonly layers: Sequence<Linear>;

  constructor(dim: number, scope: InitScope) {
    super();
    const items = [dim, dim, 4].map((outFeatures, i) => {
      const place = inside(scope, `layers.${i}`);
      return new Linear({ inFeatures: dim, outFeatures }, place);
    });
    this.layers = this.child('layers', new Sequence(items));
  }

  forward(x: tf.Tensor3D, context: ForwardContext = {}): tf.Tensor3D {
    return t.tidy(() => {
      const [first, second, third] = this.layers.items as [Linear, Linear, Linear];
      const hidden = t.relu(first.forward(x, context));
      return t.sigmoid(third.forward(t.relu(second.forward(hidden, context)), context));
    });
  }
}
