import * as tf from '@tensorflow/tfjs';
import { InputError, expected } from './errors.ts';

/**
 * A request for inner tensors of one forward pass, and what came of it.
 *
 * Names are those of the model's parts: `patch_embed`, `blocks.input`, `blocks.3.attn_probs`, `blocks.3.output`,
 * `forward_features`, `pre_logits`. `*` stands for any run of characters without a dot. A part asks `wants(name)` before it
 * computes anything extra, so a pass without a capture costs nothing.
 *
 * The kept tensors survive `tf.tidy` and belong to the capture: call `dispose()`.
 *
 * @example
 * const capture = new Capture(['blocks.*.attn_probs']);
 * const logits = model.forward(images, {capture});
 * const attention = capture.get('blocks.0.attn_probs');   // [B, h, N, N]
 * capture.dispose();
 */
export class Capture {
  private readonly patterns: RegExp[];
  private readonly kept = new Map<string, tf.Tensor>();

  constructor(names: readonly string[]) {
    this.patterns = names.map(
      (name) =>
        new RegExp(`^${name.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^.]*')}$`),
    );
  }

  /** Whether the tensor of this name was asked for. */
  wants(name: string): boolean {
    return this.patterns.some((pattern) => pattern.test(name));
  }

  /** Keeps the tensor when it was asked for. */
  offer(name: string, tensor: tf.Tensor): void {
    if (!this.wants(name)) return;
    this.kept.get(name)?.dispose();
    this.kept.set(name, tf.keep(tf.clone(tensor)));
  }

  /** A kept tensor. @throws InputError naming what was kept, if there is none of this name */
  get(name: string): tf.Tensor {
    const tensor = this.kept.get(name);
    if (tensor === undefined) {
      throw new InputError(
        expected(`a captured tensor (${[...this.kept.keys()].join(', ') || 'none'})`, 'name', name),
      );
    }
    return tensor;
  }

  /** Every kept tensor by name, in the order of the forward pass. */
  entries(): ReadonlyMap<string, tf.Tensor> {
    return this.kept;
  }

  /** Frees what was kept. */
  dispose(): void {
    for (const tensor of this.kept.values()) tensor.dispose();
    this.kept.clear();
  }
}
