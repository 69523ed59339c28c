// Family vit-timm: one forward and backward pass of timm's VisionTransformer, in eval mode.

import { Capture } from '../../core/capture.ts';
import { InputError, expected } from '../../core/errors.ts';
import * as t from '../../ops/tensor.ts';
import { buildLoaded } from '../../models/buildLoaded.ts';
import { vit } from '../../models/vit/family.ts';
import {
  crossEntropyLoss,
  softTargetCrossEntropyLoss,
} from '../../training/losses/crossEntropy.ts';
import {
  distillationLoss,
  hardDistillationLoss,
  softDistillationLoss,
} from '../../training/losses/distillation.ts';
import { valueAndGrad } from '../../training/valueAndGrad.ts';
import { gradientRule, hasGradients, outputRule } from '../bf16Rule.ts';
import { Produced } from '../family.ts';
import { GoldenFile, toChannelsFirst } from '../goldenTensors.ts';
import { goldenModelConfig } from '../modelConfig.ts';
import type * as tf from '@tensorflow/tfjs';
import type { VisionTransformer } from '../../models/vit/visionTransformer.ts';
import type { Precision } from '../../core/precision.ts';
import type { CasePlan, Family } from '../family.ts';
import type { CompareEntry, GoldenCase } from '../goldenCase.ts';

/** timm's VisionTransformer: outputs of every part, losses, and all gradients. */
export const vitTimm: Family = { name: 'vit-timm', plan };

// These keys document how the case was made; the weights already include their effect.
const commentary = ['head_scale', 'qkv0_scale'];

// The temperature of the reference's soft distillation.
const tau = 3;

function plan(golden: GoldenCase): CasePlan {
  const { run_sizes: runSizes, ...options } = golden.config;
  for (const key of commentary) delete options[key];
  const config = goldenModelConfig(options, golden);
  const suffixes = sizeSuffixes(runSizes, golden);
  const weights = new GoldenFile(golden, 'weights.safetensors');
  const inputs = new GoldenFile(golden, 'inputs.safetensors');
  for (const suffix of suffixes) inputs.get(`input${suffix}`);
  return {
    unsupported: ({ kind }) =>
      kind === 'image' ? 'pictures are not part of this family' : undefined,
    bf16Rule: (entry) => (hasGradients(entry) ? gradientRule(golden) : outputRule(golden)),
    run: async (precision) => {
      const { model } = buildLoaded(config, weights.tensors, { family: vit });
      try {
        const produced = new Produced();
        for (const suffix of suffixes) {
          const one = new Run({ model, golden, inputs, suffix, produced, precision });
          await one.run();
        }
        return produced;
      } finally {
        model.dispose();
      }
    },
  };
}

function sizeSuffixes(runSizes: unknown, golden: GoldenCase): string[] {
  if (runSizes === undefined) return [''];
  const isSize = (size: unknown): size is [number, number] =>
    Array.isArray(size) && size.length === 2 && size.every((n) => Number.isSafeInteger(n) && n > 0);
  if (!Array.isArray(runSizes) || !runSizes.every(isSize)) {
    throw new InputError(expected('a list of [h, w]', `run_sizes of ${golden.name}`, runSizes));
  }
  return runSizes.map(([h, w]) => `@${h}x${w}`);
}

interface RunParts {
  model: VisionTransformer;
  golden: GoldenCase;
  inputs: GoldenFile;
  suffix: string;
  produced: Produced;
  precision: Precision;
}

// One input size of a case.
class Run {
  private readonly model: VisionTransformer;
  private readonly golden: GoldenCase;
  private readonly inputs: GoldenFile;
  private readonly suffix: string;
  private readonly produced: Produced;
  private readonly precision: Precision;

  constructor({ model, golden, inputs, suffix, produced, precision }: RunParts) {
    this.model = model;
    this.golden = golden;
    this.inputs = inputs;
    this.suffix = suffix;
    this.produced = produced;
    this.precision = precision;
  }

  async run(): Promise<void> {
    const images = this.inputs.images(`input${this.suffix}`);
    const targets = this.inputs.float32('soft_targets') as tf.Tensor2D;
    const distilled = this.model.config.distilled;
    try {
      await this.outputs(images);
      if (distilled) await this.distillation(images, targets);
      else await this.supervised(images, targets);
    } finally {
      t.dispose([images, targets]);
    }
  }

  // Two passes: the attention probabilities come from the plain ops, all other tensors from the ops that users run.
  private async outputs(images: tf.Tensor4D): Promise<void> {
    const { precision } = this;
    const file = `outputs${this.suffix}.safetensors`;
    const passes = [
      ['blocks.*.attn_probs'],
      ['patch_embed', 'blocks.input', 'blocks.*.output', 'forward_features', 'pre_logits'],
    ];
    for (const names of passes) {
      // A tensor that a case compares and that is not there is reported as not produced.
      const capture = new Capture(names, { onWarning: () => undefined });
      const logits = t.tidy(() => this.model.forward(images, { intercept: capture, precision }));
      for (const [name, tensor] of capture.entries()) {
        await this.produced.take(file, name, t.clone(tensor));
      }
      capture.dispose();
      logits.dispose();
    }
    await this.produced.take(
      file,
      'logits',
      t.tidy(() => this.forward(images)),
    );
    if (this.model.config.distilled) {
      const { cls, dist } = t.tidy(() => this.forwardDistilled(images));
      await this.produced.take(file, 'train_logits_cls', cls);
      await this.produced.take(file, 'train_logits_dist', dist);
    }
  }

  private forward(images: tf.Tensor4D): tf.Tensor2D {
    return this.model.forward(images, { precision: this.precision });
  }

  private forwardDistilled(images: tf.Tensor4D): { cls: tf.Tensor2D; dist: tf.Tensor2D } {
    return this.model.forwardDistilled(images, { precision: this.precision });
  }

  private async supervised(images: tf.Tensor4D, targets: tf.Tensor2D): Promise<void> {
    const labels = this.labels();
    const smooth = /^label_smoothing_ce_(0(?:\.\d+)?|1)$/;
    const file = `losses${this.suffix}.safetensors`;
    for (const name of namesOf(this.golden.compare, file)) {
      const smoothing = smooth.exec(name)?.[1];
      if (name === 'soft_target_ce') {
        await this.loss(name, () => softTargetCrossEntropyLoss(this.forward(images), targets));
      } else if (name === 'ce' || smoothing !== undefined) {
        const epsilon = smoothing === undefined ? 0 : Number(smoothing);
        const options = { smoothing: epsilon };
        await this.loss(name, () => crossEntropyLoss(this.forward(images), labels, options));
      }
    }
    await this.gradients('grads', images, (x) =>
      softTargetCrossEntropyLoss(this.forward(x), targets),
    );
  }

  private async distillation(images: tf.Tensor4D, targets: tf.Tensor2D): Promise<void> {
    const teacher = this.inputs.float32('teacher_logits') as tf.Tensor2D;
    const heads = (x = images) => this.forwardDistilled(x);
    const total = (type: 'hard' | 'soft') => (x: tf.Tensor4D) =>
      distillationLoss(heads(x), targets, teacher, { type, alpha: 0.5, tau });
    try {
      await this.loss('base', () => softTargetCrossEntropyLoss(heads().cls, targets));
      await this.loss('distill_hard', () => hardDistillationLoss(heads().dist, teacher));
      await this.loss('distill_soft', () => softDistillationLoss(heads().dist, teacher, { tau }));
      await this.loss('total_hard_alpha0.5', () => total('hard')(images));
      await this.loss('total_soft_alpha0.5_tau3', () => total('soft')(images));
      await this.gradients('grads-hard', images, total('hard'));
      await this.gradients('grads-soft', images, total('soft'));
    } finally {
      teacher.dispose();
    }
  }

  private async loss(name: string, compute: () => tf.Scalar): Promise<void> {
    const file = `losses${this.suffix}.safetensors`;
    await this.produced.take(
      file,
      name,
      t.tidy(() => t.reshape(compute(), [1])),
    );
  }

  private async gradients(
    name: string,
    images: tf.Tensor4D,
    loss: (x: tf.Tensor4D) => tf.Scalar,
  ): Promise<void> {
    const file = `${name}${this.suffix}.safetensors`;
    const options = { inputs: { input: images } };
    const { value, gradients } = valueAndGrad(this.model, () => loss(images), options);
    value.dispose();
    for (const [parameter, gradient] of gradients) {
      await this.produced.take(file, parameter, gradient);
    }
    const dInput = this.produced.tensor(file, 'input');
    if (dInput) this.produced.add(file, 'input', toChannelsFirst(dInput));
  }

  private labels(): number[] {
    return Array.from(this.inputs.get('labels').data as BigInt64Array, Number);
  }
}

function namesOf(compare: readonly CompareEntry[], file: string): string[] {
  return compare.flatMap((entry) =>
    entry.kind === 'tensor' && entry.file === file ? [entry.tensor] : [],
  );
}
