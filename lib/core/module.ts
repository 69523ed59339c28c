// The base of all layers and models: named parameters, buffers and children.

import { assertMethods } from './kinds.ts';
import * as tf from '@tensorflow/tfjs';
import { InputError, expected } from './errors.ts';

/** A trainable tensor, named by its path in the model: `blocks.3.attn.qkv.weight`. */
export type Parameter = tf.Variable;

/**
 * A part of a model with parameters and buffers of its own and named child modules.
 *
 * A buffer is a tensor that is stored with the parameters and that no optimizer changes: the running mean of a batch norm. Names
 * and order are PyTorch's: a module's own parameters first, then its buffers, then its children's, each in the order of
 * registration, joined by dots. So timm reads our state dicts, and we read timm's.
 *
 * The caller that builds a module owns it: `dispose()` frees every parameter and buffer below it.
 *
 * @example
 * class Scale extends Module {
 *   readonly gamma = this.parameter('gamma', tf.ones([8]));
 *   forward(x: tf.Tensor): tf.Tensor { return tf.mul(x, this.gamma); }
 * }
 */
export abstract class Module {
  private readonly ownParameters = new Map<string, Parameter>();
  private readonly ownBuffers = new Map<string, tf.Variable>();
  private readonly ownChildren = new Map<string, Module>();
  private disposed = false;

  /** Whether `dispose` was called. */
  get isDisposed(): boolean {
    return this.disposed;
  }

  /** Registers a parameter and takes the initial value over: the tensor is disposed. */
  protected parameter(name: string, initial: tf.Tensor): Parameter {
    this.assertFree(name);
    // tfjs keeps variables by name for the whole process; an undefined name gives a fresh one.
    const variable = tf.variable(initial, true);
    initial.dispose();
    this.ownParameters.set(name, variable);
    return variable;
  }

  /** Registers a buffer and takes the initial value over: the tensor is disposed. Whoever changes it assigns a new value. */
  protected buffer(name: string, initial: tf.Tensor): tf.Variable {
    this.assertFree(name);
    const variable = tf.variable(initial, false);
    initial.dispose();
    this.ownBuffers.set(name, variable);
    return variable;
  }

  /** Registers a child module. */
  protected child<M extends Module>(name: string, module: M): M {
    this.assertFree(name);
    this.ownChildren.set(name, module);
    return module;
  }

  /** Replaces a child module, for example the head when the number of classes changes; the old one is disposed. */
  protected replaceChild<M extends Module>(name: string, module: M): M {
    this.ownChildren.get(name)?.dispose();
    this.ownChildren.set(name, module);
    return module;
  }

  /** The child modules by name, in order. */
  children(): ReadonlyMap<string, Module> {
    return this.ownChildren;
  }

  /** Every parameter below this module by its full name, in PyTorch's order. */
  namedParameters(prefix = ''): Map<string, Parameter> {
    return this.collect(prefix, (module) => [module.ownParameters]);
  }

  /** Every buffer below this module by its full name, in PyTorch's order. */
  namedBuffers(prefix = ''): Map<string, tf.Variable> {
    return this.collect(prefix, (module) => [module.ownBuffers]);
  }

  /** Parameters and buffers below this module by their full names, in the order of PyTorch's state dict. */
  stateDict(prefix = ''): Map<string, tf.Variable> {
    return this.collect(prefix, (module) => [module.ownParameters, module.ownBuffers]);
  }

  /** The number of scalars in all parameters. */
  countParameters(): number {
    let count = 0;
    for (const parameter of this.namedParameters().values()) count += parameter.size;
    return count;
  }

  /** Frees every parameter and buffer below this module. */
  dispose(): void {
    this.disposed = true;
    for (const parameter of this.ownParameters.values()) parameter.dispose();
    for (const buffer of this.ownBuffers.values()) buffer.dispose();
    for (const child of this.ownChildren.values()) child.dispose();
  }

  private collect(
    prefix: string,
    ownOf: (module: Module) => readonly ReadonlyMap<string, tf.Variable>[],
    all = new Map<string, tf.Variable>(),
  ): Map<string, tf.Variable> {
    for (const own of ownOf(this)) for (const [name, one] of own) all.set(prefix + name, one);
    for (const [name, child] of this.ownChildren) child.collect(`${prefix}${name}.`, ownOf, all);
    return all;
  }

  private assertFree(name: string): void {
    const taken = [this.ownParameters, this.ownBuffers, this.ownChildren];
    if (taken.some((own: ReadonlyMap<string, unknown>) => own.has(name))) {
      throw new InputError(expected('a name used once', 'module part', name));
    }
  }
}

/** Throws an InputError unless a value is a model or layer whose parameters are there, with the methods that are called. */
export function assertModule(
  value: unknown,
  methods: readonly string[] = [],
  name = 'model',
): void {
  const what = `a model, with ${['namedParameters', ...methods].join(', ')},`;
  assertMethods(what, name, value, ['namedParameters', ...methods]);
  if ((value as Partial<Module>).isDisposed === true) {
    throw new InputError(expected('a model that is not disposed', name, 'a disposed one'));
  }
}
