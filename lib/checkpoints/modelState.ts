// Weights between a model and host tensors: copies out of it, and loading by name with a report of every tensor.

import { assertFields, assertListOf } from '../core/kinds.ts';
import { namePattern } from '../core/namePattern.ts';
import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { CheckpointError, listed } from '../core/errors.ts';
import { hostTensorOf, isNumericDtype, toFloat32, toInt32 } from './hostTensor.ts';
import { assertTensors, nonFiniteNames } from './nonFinite.ts';
import { stateDictErrors } from './stateDictErrors.ts';
import { assertModule, type Module } from '../core/module.ts';
import type { Dtype, HostTensor } from './hostTensor.ts';

/** The outcome for every tensor of a checkpoint and every parameter and buffer of a model. */
export interface LoadReport {
  /** Parameters that took their values from the checkpoint. */
  loaded: string[];
  /** Parameters that the checkpoint does not have; they keep their values. */
  missing: string[];
  /** Tensors of the checkpoint that the model has no parameter for. */
  unexpected: string[];
  /** Tensors of another shape than the parameter of their name; it keeps its values. */
  wrongShape: { name: string; expected: number[]; received: number[] }[];
  /** Tensors of a dtype that has no value in float32 (`toFloat32`); the parameter keeps its values. */
  wrongDtype: { name: string; dtype: Dtype }[];
  /** Loaded tensors that hold a NaN or an infinity. */
  nonFinite: string[];
}

/**
 * The options of `loadModelTensors`.
 *
 * @property strict          true: any missing or unexpected tensor, and any of a wrong shape or dtype, is an error; default true
 * @property allow           names that may be missing or unexpected although `strict`, `*` standing for what is between two dots
 *                           and `**` for anything: ['head.*']
 * @property allowNonFinite  true: NaN and infinities are loaded and reported instead of refused; default false
 */
export interface LoadModelOptions {
  strict?: boolean;
  allow?: readonly string[];
  allowNonFinite?: boolean;
}

/**
 * Copies of all parameters and buffers by timm's names, parameters as float32. Reads synchronously: on a GPU use
 * `downloadModelTensors`.
 *
 * @example const bytes = formatSafetensors(modelTensors(model));
 */
export function modelTensors(model: Module): Map<string, HostTensor> {
  assertModule(model);
  const tensors = new Map<string, HostTensor>();
  for (const [name, tensor] of model.stateDict()) {
    tensors.set(name, hostTensorOf(tensor, tensor.dataSync().slice()));
  }
  return tensors;
}

/** `modelTensors` for every backend: waits for the values instead of blocking, which WebGPU cannot do in Node. */
export async function downloadModelTensors(model: Module): Promise<Map<string, HostTensor>> {
  assertModule(model);
  const tensors = new Map<string, HostTensor>();
  for (const [name, tensor] of model.stateDict()) {
    tensors.set(name, hostTensorOf(tensor, (await tensor.data()).slice()));
  }
  return tensors;
}

/** A host tensor on the backend, in the dtype of the tensor that it replaces. @throws CheckpointError as `toFloat32`, `toInt32` */
export function uploadTensor(host: HostTensor, dtype: string, name: string): tf.Tensor {
  if (dtype === 'int32') return t.tensor(toInt32(host, name), host.shape, 'int32');
  return t.tensor(toFloat32(host, name), host.shape, 'float32');
}

/**
 * Copies tensors into the parameters and buffers of the same name.
 *
 * Nothing is dropped in silence: the report lists every tensor that was loaded and every one that was not. Elements become
 * float32 (`toFloat32`); a tensor of a dtype without values, such as F8_E4M3, is not loaded.
 *
 * @throws CheckpointError if strict and a name, a shape or a dtype does not fit, or if a NaN or an infinity is not allowed; the message lists
 *   the first three differences and a count, `cause` is the whole report, and the model is unchanged
 *
 * @example
 * const {tensors} = parseSafetensors(bytes);
 * const report = loadModelTensors(model, tensors, {strict: false});   // report.missing: ['head.weight', 'head.bias']
 */
export function loadModelTensors(
  model: Module,
  tensors: ReadonlyMap<string, HostTensor>,
  options: LoadModelOptions = {},
): LoadReport {
  assertModule(model);
  assertTensors(tensors);
  const kinds = { strict: 'boolean?', allow: 'list?', allowNonFinite: 'boolean?' } as const;
  assertFields('options', options, kinds);
  const { strict = true, allow = [], allowNonFinite = false } = options;
  assertListOf('allow', allow, 'text');
  const parameters = model.stateDict();
  const report: LoadReport = {
    loaded: [],
    missing: [],
    unexpected: [],
    wrongShape: [],
    wrongDtype: [],
    nonFinite: [],
  };
  for (const [name, parameter] of parameters) {
    const tensor = tensors.get(name);
    if (tensor === undefined) report.missing.push(name);
    else if (tensor.shape.join() !== parameter.shape.join()) {
      const [wanted, received] = [[...parameter.shape], [...tensor.shape]];
      report.wrongShape.push({ name, expected: wanted, received });
    } else if (!isNumericDtype(tensor.dtype)) {
      report.wrongDtype.push({ name, dtype: tensor.dtype });
    } else report.loaded.push(name);
  }
  report.unexpected = [...tensors.keys()].filter((name) => !parameters.has(name));
  const fitting = new Map(report.loaded.map((name) => [name, tensors.get(name)!]));
  report.nonFinite = nonFiniteNames(fitting);

  const patterns = allow.map(namePattern);
  const isAllowed = (name: string) => patterns.some((pattern) => pattern.test(name));
  const strictly = <T>(own: ReadonlyMap<string, T>, other: ReadonlyMap<string, unknown>) =>
    new Map([...own].filter(([name]) => other.has(name) || !isAllowed(name)));
  const problems = strict
    ? stateDictErrors(strictly(parameters, tensors), strictly(tensors, parameters))
    : [];
  if (!allowNonFinite) {
    problems.push(...report.nonFinite.map((name) => `NaN or infinity in ${name}`));
  }
  if (problems.length > 0) {
    throw new CheckpointError(
      `Expected finite tensors of this model, received others: ${listed(problems)}.`,
      { cause: report },
    );
  }
  // Counters that int32 does not hold are refused before anything is changed.
  for (const [name, tensor] of fitting) {
    if (parameters.get(name)!.dtype === 'int32') toInt32(tensor, name);
  }
  for (const [name, tensor] of fitting) {
    const parameter = parameters.get(name)!;
    t.tidy(() => parameter.assign(uploadTensor(tensor, parameter.dtype, name)));
  }
  return report;
}
