// An optimizer: an update rule over a model's parameters in groups, with state that can be stored.

import { assertModule } from '../core/module.ts';
import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { deepCopy } from '../ops/deepCopy.ts';
import { toFloat32 } from '../checkpoints/hostTensor.ts';
import type { HostTensor } from '../checkpoints/hostTensor.ts';
import { assertStateDict } from '../checkpoints/stateDictErrors.ts';
import { assertInteger } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import type { Parameter } from '../core/module.ts';
import { parseOptions } from '../core/option.ts';
import { adamWRule } from './adamWRule.ts';
import { lambRule } from './lambRule.ts';
import { muonRule } from './muonRule.ts';
import { optimizerConfigOptions } from './options/optimizer.ts';
import type { OptimizerConfig } from './options/types.ts';
import { paramGroupsLayerDecay, paramGroupsWeightDecay } from './paramGroups.ts';
import type { GroupedModel, ParamGroup } from './paramGroups.ts';
import { sgdRule } from './sgdRule.ts';
import type { RuleInput, UpdateRule } from './updateRule.ts';

/** New values by name, not yet written: parameters, and state as `<parameter>/<slot>`. Apply it or dispose it. */
export interface Update {
  readonly parameters: Map<string, tf.Tensor>;
  readonly state: Map<string, tf.Tensor>;
}

/** The part of a model that an optimizer uses. */
export interface OptimizedModel extends GroupedModel {
  namedParameters(): ReadonlyMap<string, Parameter>;
}

/**
 * An optimizer of a model's parameters; it owns its state tensors: call `dispose()`.
 *
 * @throws InputError naming the option that cannot be used
 * @example
 * const optimizer = makeOptimizer(model, {learningRate: 1e-3, weightDecay: 0.05});
 * optimizer.setRate(schedule.rate(step));
 * optimizer.step(gradients);
 */
export function makeOptimizer(model: OptimizedModel, config: OptimizerConfig): Optimizer {
  assertModule(model);
  const options = parseOptions<FullOptimizerConfig>(optimizerConfigOptions, config, {
    name: 'optimizer',
  });
  const { opt, learningRate, weightDecay, layerDecay } = options;
  const groups =
    layerDecay === undefined
      ? paramGroupsWeightDecay(model, weightDecay)
      : paramGroupsLayerDecay(model, { weightDecay, layerDecay });
  const rule = ruleOf(options, opt, model.noWeightDecay?.());
  return new Optimizer(model.namedParameters(), groups, rule, learningRate);
}

type FullOptimizerConfig = OptimizerConfig & Required<Pick<OptimizerConfig, 'opt' | 'weightDecay'>>;

function ruleOf(
  options: OptimizerConfig,
  opt: FullOptimizerConfig['opt'],
  noWeightDecay: ReadonlySet<string> = new Set(),
): UpdateRule {
  switch (opt) {
    case 'adamw':
      return adamWRule(options);
    case 'sgd':
      return sgdRule(options);
    case 'lamb':
      return lambRule(options);
    case 'muon':
      return muonRule(options, noWeightDecay);
  }
}

/** Applies a rule to named parameters. An update can be looked at before it is written. */
export class Optimizer {
  /** Updates done. */
  steps = 0;
  /** The learning rate of each group, in the groups' order: the rate times the group's scale. */
  rates: number[];
  readonly groups: readonly ParamGroup[];
  private readonly parameters: ReadonlyMap<string, Parameter>;
  private readonly rule: UpdateRule;
  private readonly groupOf: ReadonlyMap<string, number>;
  private readonly slots = new Map<string, tf.Tensor>();

  constructor(
    parameters: ReadonlyMap<string, Parameter>,
    groups: readonly ParamGroup[],
    rule: UpdateRule,
    learningRate: number,
  ) {
    this.parameters = parameters;
    this.groups = groups;
    this.rule = rule;
    this.rates = groups.map(({ lrScale }) => learningRate * lrScale);
    this.groupOf = new Map(groups.flatMap(({ params }, g) => params.map((name) => [name, g])));
    for (const [name, parameter] of parameters) {
      if (rule.inPlace?.() === true) t.tidy(() => parameter.assign(deepCopy(parameter)));
      for (const slot of rule.slots(name, parameter.shape)) {
        this.slots.set(`${name}/${slot}`, t.keep(t.zeros(parameter.shape)));
      }
    }
  }

  /** Sets every group's rate to `rate` times the group's scale. */
  setRate(rate: number): void {
    this.rates = this.groups.map(({ lrScale }) => rate * lrScale);
  }

  /**
   * The update of the next step, not yet written. A parameter without a gradient is left alone.
   *
   * @param gradients  by parameter name
   */
  propose(gradients: ReadonlyMap<string, tf.Tensor>): Update {
    return this.compute(gradients, { reuse: false });
  }

  /**
   * Whether every number of the next step is known to be finite, without making its tensors. It is false if one is not, or if the
   * rule cannot tell. A step that is known to be finite need not be proposed, and `step` writes it in place.
   */
  async foresees(gradients: ReadonlyMap<string, tf.Tensor>): Promise<boolean> {
    const norm = this.rule.norm?.(this.inputsOf(gradients), this.steps + 1);
    if (norm === undefined) return false;
    try {
      return Number.isFinite((await norm.data())[0]);
    } finally {
      norm.dispose();
    }
  }

  private compute(gradients: ReadonlyMap<string, tf.Tensor>, options: { reuse: boolean }): Update {
    const inputs = this.inputsOf(gradients);
    const outputs = t.tidy(() => this.rule.update(inputs, this.steps + 1, options));
    const update: Update = { parameters: new Map(), state: new Map() };
    inputs.forEach(({ name, parameter: { shape } }, i) => {
      const [weight, ...state] = outputs[i]!;
      update.parameters.set(name, t.keep(weight!));
      this.rule.slots(name, shape).forEach((slot, s) => {
        update.state.set(`${name}/${slot}`, t.keep(state[s]!));
      });
    });
    return update;
  }

  /** Writes a proposed update and takes ownership of its tensors. */
  apply(update: Update): void {
    for (const [name, tensor] of update.parameters) {
      this.parameters.get(name)!.assign(tensor);
      tensor.dispose();
    }
    for (const [name, tensor] of update.state) this.replace(name, tensor);
    this.steps += 1;
  }

  /** One update, in place where nothing else shares the memory of the weights and the state. */
  step(gradients: ReadonlyMap<string, tf.Tensor>): void {
    this.apply(this.compute(gradients, { reuse: true }));
  }

  /** The state tensors by `<parameter>/<slot>`; they belong to the optimizer. */
  state(): ReadonlyMap<string, tf.Tensor> {
    return this.slots;
  }

  /** Puts stored state back, bit for bit. @throws CheckpointError listing what differs; nothing is changed then */
  restore(tensors: ReadonlyMap<string, HostTensor>, steps: number): void {
    assertInteger('optimizer steps', steps, { min: 0 });
    assertStateDict('the optimizer state of this model', this.slots, tensors);
    for (const [name, tensor] of tensors) {
      const stored = () => t.tensor(toFloat32(tensor, name), tensor.shape, 'float32');
      const own = this.rule.inPlace?.() === true ? t.tidy(() => deepCopy(stored())) : stored();
      this.replace(name, t.keep(own));
    }
    this.steps = steps;
  }

  /** Frees the state. */
  dispose(): void {
    for (const tensor of this.slots.values()) tensor.dispose();
    this.slots.clear();
  }

  private inputsOf(gradients: ReadonlyMap<string, tf.Tensor>): RuleInput[] {
    return [...gradients].map(([name, gradient]) => this.inputOf(name, gradient));
  }

  private inputOf(name: string, gradient: tf.Tensor): RuleInput {
    const parameter = this.parameters.get(name);
    const group = this.groupOf.get(name);
    if (parameter === undefined || group === undefined) {
      throw new InputError(expected('a parameter of the model', 'the gradient', name));
    }
    const slots = this.rule.slots(name, parameter.shape);
    return {
      name,
      parameter,
      gradient,
      state: slots.map((slot) => this.slots.get(`${name}/${slot}`)!),
      learningRate: this.rates[group]!,
      weightDecay: this.groups[group]!.weightDecay,
    };
  }

  private replace(name: string, tensor: tf.Tensor): void {
    this.slots.get(name)!.dispose();
    this.slots.set(name, tensor);
  }
}

/** Frees an update that is not to be written. */
export function disposeUpdate({ parameters, state }: Update): void {
  for (const tensor of [...parameters.values(), ...state.values()]) tensor.dispose();
}
