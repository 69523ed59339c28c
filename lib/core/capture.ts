// The interceptor that keeps inner tensors of a forward pass by name.

import { assertFields, assertListOf } from './kinds.ts';
import * as tf from '@tensorflow/tfjs';
import { InputError, expected, listed, show } from './errors.ts';
import type { Interceptor, Step, StepForward } from './intercept.ts';
import { namePattern } from './namePattern.ts';
import { didYouMean } from './nearest.ts';
import type { TokenLayout } from './tokenLayout.ts';

/**
 * A request for inner tensors of a forward pass, and the tensors that it kept.
 *
 * Names are the paths of the model's steps. A module has its path in the state dict (`patch_embed`, `blocks.3.mlp.fc1`, `norm`,
 * `head`), and its result is kept. Inner tensors have names of their own (`blocks.input`, `blocks.3.attn_probs`,
 * `blocks.3.output`, `forward_features`, `pre_logits`). `*` matches any characters but a dot, `**` any characters.
 *
 * The kept tensors survive `tf.tidy` and belong to the capture: call `dispose()`. A name that stands for nothing in a model is said
 * at the end of its first forward pass, by `onWarning`, default console.warn.
 *
 * @example
 * const capture = new Capture(['blocks.*.attn_probs']);
 * const logits = model.forward(images, { intercept: capture });
 * const attention = capture.get('blocks.0.attn_probs');   // [B, h, N, N]
 * capture.dispose();
 */
export class Capture implements Interceptor {
  private readonly patterns: ReadonlyMap<string, RegExp>;
  private readonly asked = new Map<string, boolean>();
  private readonly kept = new Map<string, tf.Tensor>();
  private readonly warned = new Set<string>();
  private readonly onWarning: (text: string) => void;
  private places: TokenLayout | undefined;

  constructor(names: readonly string[], options: { onWarning?: (text: string) => void } = {}) {
    assertListOf('the names of a Capture', names, 'text');
    assertFields('Capture', options, { onWarning: 'function?' });
    const { onWarning = console.warn } = options;
    this.patterns = new Map(names.map((name) => [name, namePattern(name)]));
    this.onWarning = onWarning;
  }

  /** The places of the patches among the tokens of the last pass; undefined if the model does not tell them. */
  get layout(): TokenLayout | undefined {
    return this.places;
  }

  /** Whether the tensor of this name was asked for. */
  wants(name: string): boolean {
    let wanted = this.asked.get(name);
    if (wanted === undefined) {
      wanted = [...this.patterns.values()].some((pattern) => pattern.test(name));
      this.asked.set(name, wanted);
    }
    return wanted;
  }

  /** Runs the step and keeps its result when it was asked for. */
  call({ path, inputs, layout }: Step, forward: StepForward): tf.Tensor {
    const result = forward(...inputs);
    if (layout !== undefined) this.places = layout;
    this.offer(path, result);
    return result;
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
      const kept = [...this.kept.keys()].join(', ') || 'none';
      const remedy = didYouMean(name, this.knownNames());
      throw new InputError(expected(`a captured tensor (${kept})`, 'name', name, remedy));
    }
    return tensor;
  }

  /** Every kept tensor by name, in the order of the forward pass. */
  entries(): ReadonlyMap<string, tf.Tensor> {
    return this.kept;
  }

  /** Every name that the passes so far could have given. */
  knownNames(): string[] {
    return [...this.asked.keys()];
  }

  /** The requested names that match none of the `knownNames`. After a pass these are the misspelt ones. */
  unmatched(): string[] {
    const known = this.knownNames();
    return [...this.patterns]
      .filter(([, pattern]) => !known.some((name) => pattern.test(name)))
      .map(([name]) => name);
  }

  /** Says once which requested names stand for nothing in the model whose forward pass is done. */
  endPass(): void {
    const wrong = this.unmatched().filter((name) => !this.warned.has(name));
    if (wrong.length === 0) return;
    wrong.forEach((name) => this.warned.add(name));
    const forms = [...new Set(this.knownNames().map((name) => name.replace(/\.\d+\./g, '.*.')))];
    const hints = wrong.map((name) => {
      const hint = didYouMean(name.replace(/\.\d+\./g, '.*.'), forms);
      return hint === '' ? show(name) : `${show(name)} (${hint})`;
    });
    this.onWarning(
      `The capture keeps nothing for ${listed(hints, 3)}: the model has no such name.`,
    );
  }

  /** Frees what was kept. */
  dispose(): void {
    for (const tensor of this.kept.values()) tensor.dispose();
    this.kept.clear();
  }
}
