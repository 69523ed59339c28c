// Checks of arguments: numbers, choices, ranks and shapes. Each throws an error that names the argument.

import type * as tf from '@tensorflow/tfjs';
import { InputError, NumericError, ShapeError, expected } from './errors.ts';
import { firstNonFinite } from './finite.ts';

/** Throws unless `value` is an integer with min ≤ value ≤ max. */
export function assertInteger(
  name: string,
  value: unknown,
  { min = -Infinity, max = Number.MAX_SAFE_INTEGER, remedy = '' } = {},
): asserts value is number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min || value > max) {
    throw new InputError(expected(`an integer${range(min, max)}`, name, value, remedy));
  }
}

/** Throws unless `value` is a finite number with min ≤ value ≤ max. */
export function assertNumber(
  name: string,
  value: unknown,
  { min = -Infinity, max = Infinity, remedy = '' } = {},
): asserts value is number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < min || value > max) {
    throw new InputError(expected(`a finite number${range(min, max)}`, name, value, remedy));
  }
}

/** Throws a NumericError unless every output of a model is finite. @param of  what was computed: `the image` */
export function assertFiniteOutput(of: string, values: ArrayLike<number>): void {
  const bad = firstNonFinite(values);
  if (bad < 0) return;
  const remedy = 'Look at the image, the weights, and mean and std of the preprocessing.';
  throw new NumericError(expected('finite probabilities', of, values[bad], remedy));
}

/** Throws unless `value` is one of `choices`. */
export function assertOneOf<T extends string>(
  name: string,
  value: unknown,
  choices: readonly T[],
): asserts value is T {
  if (!choices.includes(value as T)) {
    throw new InputError(expected(`one of ${choices.join(', ')}`, name, value));
  }
}

/** Whether a value is an object of fields: no list, and nothing that keeps its content elsewhere, such as a Map or a Date. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  const kind = Object.prototype.toString.call(value);
  return value !== null && (kind === '[object Object]' || kind === '[object Module]');
}

/**
 * Throws an InputError unless a value is a tensor that can be computed with: not disposed, and neither of strings nor of complex
 * numbers.
 */
export function assertTensor(name: string, value: unknown): asserts value is tf.Tensor {
  const tensor = (value ?? {}) as Partial<tf.Tensor>;
  if (typeof tensor !== 'object' || !Array.isArray(tensor.shape)) {
    throw new InputError(expected('a tensor', name, value));
  }
  if (tensor.isDisposed === true) {
    throw new InputError(expected('a tensor that is not disposed', name, 'a disposed one'));
  }
  if (tensor.dtype === 'string' || tensor.dtype === 'complex64') {
    throw new InputError(expected('a tensor of real numbers', name, tensor.dtype));
  }
}

/**
 * Throws unless the tensor's shape fits the pattern; −1 in the pattern stands for any size.
 *
 * @example assertShape('x', x, [-1, 197, 768]);
 */
export function assertShape(
  name: string,
  tensor: { shape: readonly number[] },
  pattern: readonly number[],
): void {
  assertTensor(name, tensor);
  const fits =
    tensor.shape.length === pattern.length &&
    pattern.every((size, axis) => size === -1 || size === tensor.shape[axis]);
  if (!fits) {
    const wanted = `[${pattern.map((size) => (size === -1 ? 'any' : size)).join(', ')}]`;
    throw new ShapeError(expected(`shape ${wanted}`, name, [...tensor.shape]));
  }
}

/** Throws unless the tensor has the rank. */
export function assertRank(name: string, tensor: { shape: readonly number[] }, rank: number): void {
  assertTensor(name, tensor);
  if (tensor.shape.length !== rank) {
    throw new ShapeError(expected(`a tensor of rank ${rank}`, name, [...tensor.shape]));
  }
}

/** The product of a shape's sizes; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** The limits in the words of an error message: ` ≥ 1 and ≤ 8`. A minimum of `Number.MIN_VALUE` is written ` > 0`. */
export function range(min: number, max: number): string {
  const above = min === Number.MIN_VALUE ? ' > 0' : ` ≥ ${min}`;
  const lower = min === -Infinity ? '' : above;
  const below = max === 1 - Number.EPSILON ? ' < 1' : ` ≤ ${max}`;
  const upper = max === Infinity || max === Number.MAX_SAFE_INTEGER ? '' : below;
  return lower && upper ? `${lower} and${upper}` : lower + upper;
}

/** Throws unless what registers under a name has a usable one, and every method that is called later. */
export function assertRegistrable(
  what: string,
  entry: unknown,
  { name, methods }: { name: string; methods: readonly string[] },
): void {
  if (!isRecord(entry)) throw new InputError(expected('an object', what, entry));
  const given = entry[name];
  if (typeof given !== 'string' || !/^[\w.-]+$/.test(given)) {
    throw new InputError(expected('letters, digits, . - and _', `the name of ${what}`, given));
  }
  for (const method of methods) {
    if (typeof entry[method] === 'function') continue;
    throw new InputError(expected('a function', `${method} of ${what} ${given}`, entry[method]));
  }
}
