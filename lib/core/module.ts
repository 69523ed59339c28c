import * as tf from '@tensorflow/tfjs';
import { CheckpointError, InputError, expected } from './errors.ts';

/** A trainable tensor, named by its path in the model: `blocks.3.attn.qkv.weight`. */
export type Parameter = tf.Variable;

/**
 * A part of a model: parameters of its own, and named parts.
 *
 * Names and order are PyTorch's: a module's own parameters first, then its children's, each in the order of registration,
 * joined by dots. So a state dict of ours opens in timm and timm's in ours.
 *
 * Whoever builds a module owns it: `dispose()` frees every parameter below it.
 *
 * @example
 * class Scale extends Module {
 *   readonly gamma = this.parameter('gamma', tf.ones([8]));
 *   forward(x: tf.Tensor): tf.Tensor { return tf.mul(x, this.gamma); }
 * }
 */
export abstract class Module {
  private readonly ownParameters = new Map<string, Parameter>();
  private readonly ownChildren = new Map<string, Module>();

  /** Registers a parameter and takes the initial value over: the tensor is disposed. */
  protected parameter(name: string, initial: tf.Tensor): Parameter {
    this.assertFree(name);
    // tfjs keeps variables by name for the whole process; an undefined name gives a fresh one.
    const variable = tf.variable(initial, true);
    initial.dispose();
    this.ownParameters.set(name, variable);
    return variable;
  }

  /** Registers a part. */
  protected child<M extends Module>(name: string, module: M): M {
    this.assertFree(name);
    this.ownChildren.set(name, module);
    return module;
  }

  /** Replaces a part, for example the head of another class count; the old one is disposed. */
  protected replaceChild<M extends Module>(name: string, module: M): M {
    this.ownChildren.get(name)?.dispose();
    this.ownChildren.set(name, module);
    return module;
  }

  /** The parts by name, in order. */
  children(): ReadonlyMap<string, Module> {
    return this.ownChildren;
  }

  /** Every parameter below this module by its full name, in PyTorch's order. */
  namedParameters(prefix = ''): Map<string, Parameter> {
    const all = new Map<string, Parameter>();
    for (const [name, parameter] of this.ownParameters) all.set(prefix + name, parameter);
    for (const [name, child] of this.ownChildren) {
      for (const entry of child.namedParameters(`${prefix}${name}.`)) all.set(...entry);
    }
    return all;
  }

  /** The number of scalars in all parameters. */
  countParameters(): number {
    let count = 0;
    for (const parameter of this.namedParameters().values()) count += parameter.size;
    return count;
  }

  /**
   * Copies the values into the parameters of the same name.
   *
   * @throws CheckpointError listing every missing, unexpected and wrongly shaped name; nothing is changed then
   */
  assign(values: ReadonlyMap<string, tf.Tensor>): void {
    const parameters = this.namedParameters();
    const problems = differences(parameters, values);
    if (problems.length > 0) {
      throw new CheckpointError(
        `Expected the tensors of this model, received others: ${problems.slice(0, 8).join('; ')}` +
          `${problems.length > 8 ? `; and ${problems.length - 8} more` : ''}. Check the model's configuration.`,
      );
    }
    for (const [name, parameter] of parameters) parameter.assign(values.get(name)!);
  }

  /** Frees every parameter below this module. */
  dispose(): void {
    for (const parameter of this.ownParameters.values()) parameter.dispose();
    for (const child of this.ownChildren.values()) child.dispose();
  }

  private assertFree(name: string): void {
    if (this.ownParameters.has(name) || this.ownChildren.has(name)) {
      throw new InputError(expected('a name used once', 'module part', name));
    }
  }
}

/** What keeps `values` from being a state dict of `parameters`, one phrase each; empty when they fit. */
export function differences(
  parameters: ReadonlyMap<string, { shape: readonly number[] }>,
  values: ReadonlyMap<string, { shape: readonly number[] }>,
): string[] {
  const problems: string[] = [];
  for (const [name, parameter] of parameters) {
    const value = values.get(name);
    if (value === undefined) problems.push(`missing ${name} [${parameter.shape.join(', ')}]`);
    else if (value.shape.join() !== parameter.shape.join()) {
      problems.push(`${name} is [${value.shape.join(', ')}], not [${parameter.shape.join(', ')}]`);
    }
  }
  for (const name of values.keys()) if (!parameters.has(name)) problems.push(`unexpected ${name}`);
  return problems;
}
