// Family train-step: a few optimizer steps of timm, and two tables around them.

import { InputError, expected } from '../../core/errors.ts';
import { Rng } from '../../core/rng.ts';
import { globalNorm } from '../../ops/globalNorm.ts';
import * as t from '../../ops/tensor.ts';
import { buildLoaded } from '../../models/buildLoaded.ts';
import { clipGradients } from '../../training/clip.ts';
import { Ema } from '../../training/ema.ts';
import { softTargetCrossEntropyLoss } from '../../training/losses/crossEntropy.ts';
import { makeOptimizer } from '../../training/optimizer.ts';
import { makeSchedule } from '../../training/schedules.ts';
import { valueAndGrad } from '../../training/valueAndGrad.ts';
import { gradientRule, hasGradients, outputRule } from '../bf16Rule.ts';
import { Produced } from '../family.ts';
import { GoldenFile } from '../goldenTensors.ts';
import { readJson } from '../goldenCase.ts';
import { goldenTrainConfig } from '../trainConfig.ts';
import { groupRows, scheduleRows } from './trainStepTables.ts';
import type * as tf from '@tensorflow/tfjs';
import type { Precision } from '../../core/precision.ts';
import type { ForwardContext } from '../../core/context.ts';
import type { Model } from '../../models/model.ts';
import type { Optimizer } from '../../training/optimizer.ts';
import type { Schedule } from '../../training/schedules.ts';
import type { Bf16Rule } from '../bf16Rule.ts';
import type { CasePlan, Family } from '../family.ts';
import type { CompareEntry, GoldenCase } from '../goldenCase.ts';
import type { GoldenTrainConfig } from '../trainConfig.ts';

/** Optimizer steps with weights, state and averages after each; schedules and parameter groups as tables. */
export const trainStep: Family = { name: 'train-step', plan };

function plan(golden: GoldenCase): CasePlan {
  const noPictures: CasePlan['unsupported'] = ({ kind }) =>
    kind === 'image' ? 'pictures are not part of this family' : undefined;
  if ('model' in golden.config) {
    const config = goldenTrainConfig(golden);
    const files = openFiles(golden);
    return {
      unsupported: noPictures,
      bf16Rule: (entry) => bf16Rule(entry, golden),
      run: async (precision) => {
        const run = new Run(config, files, precision);
        try {
          return await run.run();
        } finally {
          run.dispose();
        }
      },
    };
  }
  const tables = { 'schedules.json': scheduleRows, 'groups.json': groupRows };
  const table = Object.entries(tables).find(([file]) =>
    golden.compare.some((entry) => entry.file === file),
  );
  if (table === undefined) {
    const reason = 'this kind of train-step case is not supported yet';
    return { unsupported: () => reason, bf16Rule: () => ({ kind: 'stored' }) };
  }
  const [file, rows] = table;
  const produced = new Produced();
  produced.json.set(file, rows(readJson(`${golden.folder}/${file}`), golden));
  // Tables of rates and names contain no matrix product.
  const run = () => Promise.resolve(produced);
  return { unsupported: noPictures, bf16Rule: () => ({ kind: 'stored' }), run };
}

// Rates, groups and the average's decay do not depend on matrix products. After the first step the weights differ too, most of all
// under AdamW, whose first steps are nearly signs of gradients. So the results of later steps have twice the limit of their kind.
function bf16Rule(entry: CompareEntry, golden: GoldenCase): Bf16Rule {
  if (entry.kind === 'json') {
    if (entry.json.endsWith('.loss')) return { kind: 'numbers', rtol: 0.02 };
    if (entry.json.endsWith('.grad_norm_before_clip')) return { kind: 'numbers', rtol: 0.08 };
    return { kind: 'stored' };
  }
  if (hasGradients(entry)) return gradientRule(golden);
  if (entry.file === 'optimizer-state.safetensors') return outputRule(golden, { limit: 2 * 0.08 });
  const later = entry.kind === 'tensor' && /^step[1-9]/.test(entry.tensor);
  return outputRule(golden, { limit: later ? 2 * 0.03 : 0.03 });
}

interface Files {
  initial: GoldenFile;
  inputs: GoldenFile;
  masks: GoldenFile | undefined;
  steps: number;
}

function openFiles(golden: GoldenCase): Files {
  const initial = new GoldenFile(golden, 'initial-weights.safetensors');
  const inputs = new GoldenFile(golden, 'inputs.safetensors');
  let steps = 0;
  while (inputs.tensors.has(`x${steps}`) && inputs.tensors.has(`target${steps}`)) steps += 1;
  if (steps === 0)
    throw new InputError(expected('x0 and target0', `inputs of ${golden.name}`, 'neither'));
  return {
    initial,
    inputs,
    masks: GoldenFile.ifThere(golden, 'drop-path-masks.safetensors'),
    steps,
  };
}

interface StepLog {
  step: number;
  loss: number;
  grad_norm_before_clip: number;
  lr_per_group: number[];
  lr_per_group_after: number[];
  ema_decay?: number;
}

interface Backward {
  value: tf.Scalar;
  gradients: Map<string, tf.Tensor>;
  logits: tf.Tensor;
}

// Five steps of one model.
class Run {
  private readonly produced = new Produced();
  private readonly config: GoldenTrainConfig;
  private readonly files: Files;
  private readonly precision: Precision;
  private readonly model: Model;
  private readonly optimizer: Optimizer;
  private readonly ema: Ema | undefined;
  private readonly schedule: Schedule | undefined;

  constructor(config: GoldenTrainConfig, files: Files, precision: Precision) {
    this.config = config;
    this.precision = precision;
    this.files = files;
    this.schedule = config.schedule && makeSchedule(config.optimizer.learningRate, config.schedule);
    this.model = buildLoaded(config.model, files.initial.tensors).model;
    let optimizer: Optimizer | undefined;
    try {
      optimizer = makeOptimizer(this.model, config.optimizer);
      this.optimizer = optimizer;
      this.ema = config.ema && new Ema(this.model.namedParameters(), config.ema);
    } catch (error) {
      optimizer?.dispose();
      this.model.dispose();
      throw error;
    }
    if (this.schedule) this.optimizer.setRate(this.schedule.rate(0));
    // In timm layer decay acts only through a schedule.
    else this.optimizer.rates = this.optimizer.rates.map(() => config.optimizer.learningRate);
  }

  dispose(): void {
    this.ema?.dispose();
    this.optimizer.dispose();
    this.model.dispose();
  }

  async run(): Promise<Produced> {
    const steps: StepLog[] = [];
    for (let n = 0; n < this.files.steps; n += 1) steps.push(await this.step(n));
    await this.copy('optimizer-state.safetensors', this.optimizer.state());
    this.produced.json.set('log.json', {
      groups: this.optimizer.groups.map(({ params, weightDecay, lrScale }) => ({
        param_names: params,
        weight_decay: weightDecay,
        lr_scale: lrScale,
      })),
      steps,
    });
    return this.produced;
  }

  // In timm's order: forward, loss, backward, clip, optimizer, EMA, then the schedule's next rate.
  private async step(n: number): Promise<StepLog> {
    const { value, gradients, logits } = this.backward(n);
    await this.produced.take('logits.safetensors', `step${n}`, logits);
    const [loss] = await value.data();
    const norm = t.tidy(() => globalNorm([...gradients.values()]));
    const [gradientNorm] = await norm.data();
    if (n === 0) await this.copy('grads-step0.safetensors', gradients);
    let used = gradients;
    if (this.config.clip !== undefined) {
      used = clipGradients(gradients, this.config.clip, this.model.namedParameters());
      if (n === 0) await this.copy('grads-step0-clipped.safetensors', used);
      t.dispose([...gradients.values()]);
    }
    const rates = [...this.optimizer.rates];
    this.optimizer.step(used);
    t.dispose([value, norm, ...used.values()]);
    await this.copy(`weights-step${n + 1}.safetensors`, this.model.namedParameters());
    if (this.ema !== undefined) {
      this.ema.update(this.model.namedParameters(), n + 1);
      await this.copy(`ema-step${n + 1}.safetensors`, this.ema.averages);
    }
    if (this.schedule) this.optimizer.setRate(this.schedule.rate(n + 1));
    return {
      step: n,
      loss: loss!,
      grad_norm_before_clip: gradientNorm!,
      lr_per_group: rates,
      lr_per_group_after: [...this.optimizer.rates],
      ...(this.config.ema?.kind === 'v3' && { ema_decay: this.ema!.decay(n + 1) }),
    };
  }

  private backward(n: number): Backward {
    const images = this.files.inputs.images(`x${n}`);
    const targets = this.files.inputs.float32(`target${n}`) as tf.Tensor2D;
    const masks = this.masks(n);
    const context: ForwardContext = {
      training: true,
      precision: this.precision,
      rng: new Rng(0).split(n),
      keepMask: (name) => masks.get(name),
    };
    try {
      const { value, gradients, outputs } = valueAndGrad(this.model, () => {
        const logits = this.model.forward(images, context);
        return { loss: softTargetCrossEntropyLoss(logits, targets), outputs: { logits } };
      });
      return { value, gradients, logits: outputs.logits };
    } finally {
      t.dispose([images, targets, ...masks.values()]);
    }
  }

  // The recorded keep masks of this step, by the name of the part that uses them.
  private masks(n: number): Map<string, tf.Tensor1D> {
    const prefix = `step${n}/`;
    const masks = new Map<string, tf.Tensor1D>();
    for (const name of this.files.masks?.tensors.keys() ?? []) {
      if (!name.startsWith(prefix)) continue;
      masks.set(name.slice(prefix.length), this.files.masks!.float32(name) as tf.Tensor1D);
    }
    return masks;
  }

  private async copy(file: string, tensors: ReadonlyMap<string, tf.Tensor>): Promise<void> {
    for (const [name, tensor] of tensors) await this.produced.take(file, name, t.clone(tensor));
  }
}
