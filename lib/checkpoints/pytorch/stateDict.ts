// Finds the weights among what a training program saved: a state dict, one inside a checkpoint, or a model that was saved whole.

import { CheckpointError, listed, show } from '../../core/errors.ts';
import type { ReadOptions } from '../checkpointFormat.ts';
import { isNumpyArray } from './numpyArray.ts';
import { entriesOf, type PyObject, type PyValue } from '../pickle/values.ts';
import { isModule } from './meanings.ts';
import { OtherTensor, TensorNode } from './storage.ts';

/** A tensor of a state dict, wherever its elements are. */
export type Leaf = TensorNode | OtherTensor | PyObject;

/**
 * The weights that were chosen.
 *
 * @property path    the keys that lead to them, with dots between; empty for the whole file
 * @property leaves  by name
 * @property others  names of entries that are no tensors
 * @property notes   sentences about the choice
 */
export interface StateDict {
  path: string;
  leaves: Map<string, Leaf>;
  others: string[];
  notes: string[];
}

// In this order: timm's, DeiT's, those of other trainers; DINO's own programs take the teacher.
const usual = [
  'state_dict', 'model', 'model_state_dict', 'model_state', 'module', 'net', 'network', 'weights', 'params', 'teacher',
  'target_encoder', 'encoder',
]; // prettier-ignore
const averaged = ['state_dict_ema', 'model_ema', 'ema_state_dict', 'ema_model', 'ema', 'teacher'];
// The state of a training, not weights of a model.
const states = /optim|sched|scaler|rng|random|loss|history|callback|prefetch|queue/i;
const maxDepth = 5;
const maxVisits = 100_000;
const maxPath = 200;

/**
 * Chooses the weights in what a file holds.
 *
 * The key that `checkpointKey` names; with `useEma` the averages; else the first of the usual keys (`state_dict`, `model`, …) that holds
 * tensors, through wrappers; else the one dictionary that holds tensors. Optimizers are no weights.
 *
 * @throws CheckpointError if there are none, or several and nothing says which
 */
export function chooseStateDict(root: PyValue, file: string, options: ReadOptions = {}): StateDict {
  const found = candidates(root);
  const paths = [...found.keys()];
  const named = paths.map((path) => (path === '' ? 'the whole file' : path));
  const bad = (what: string, received: string): CheckpointError =>
    new CheckpointError(`Expected ${what} in ${show(file)}, received ${received}.`);
  const { checkpointKey, useEma = false } = options;
  if (checkpointKey !== undefined) {
    const chosen = found.get(checkpointKey);
    if (chosen === undefined) {
      throw bad(`weights under the key ${show(checkpointKey)}`, `${listed(named, 8) || 'none'}`);
    }
    return result(checkpointKey, chosen, []);
  }
  if (paths.length === 0) throw bad('tensors', 'none: it holds no weights');
  if (useEma) {
    const path = pick(paths, averaged);
    if (path === undefined) throw bad('averaged weights', listed(named, 8));
    return result(path, found.get(path)!, [`The averaged weights, ${path}, are taken.`]);
  }
  const weights = paths.filter((path) => !path.split('.').some((key) => states.test(key)));
  const path =
    pick(paths, usual) ??
    weights.find((one) => one === '') ??
    (weights.length === 1 ? weights[0] : undefined);
  if (path === undefined) {
    const remedy = 'Name one: --checkpoint-key KEY, or {checkpointKey}.';
    throw new CheckpointError(
      `Expected one set of weights in ${show(file)}, received ${listed(named, 8)}. ${remedy}`,
    );
  }
  const beside = weights.filter((one) => one !== '' && one !== path && !one.startsWith(`${path}.`));
  const notes =
    beside.length === 0
      ? []
      : [`The weights are those of ${path || 'the whole file'}; beside them stand ${listed(beside, 4)}.`];
  const ema = pick(beside, averaged);
  if (ema !== undefined) notes.push(`${ema} has averaged weights: --use-ema takes them.`);
  return result(path, found.get(path)!, notes);
}

// The first key of a list that a path begins with, and within it the shortest path by the same rule.
function pick(paths: readonly string[], keys: readonly string[]): string | undefined {
  for (const key of keys) {
    if (paths.includes(key)) return key;
    const inside = paths.filter((path) => path.startsWith(`${key}.`));
    if (inside.length === 0) continue;
    const inner = pick(
      inside.map((path) => path.slice(key.length + 1)),
      usual,
    );
    if (inner !== undefined) return `${key}.${inner}`;
    if (inside.length === 1) return inside[0];
  }
  return undefined;
}

// Every dictionary that holds tensors, by its path.
function candidates(root: PyValue): Map<string, Map<string, PyValue>> {
  const found = new Map<string, Map<string, PyValue>>();
  const seen = new Set<PyValue>();
  let visits = 0;
  const visit = (value: PyValue, path: string, depth: number): void => {
    if (depth > maxDepth || path.length > maxPath || seen.has(value)) return;
    if ((visits += 1) > maxVisits) return;
    seen.add(value);
    if (isModule(value)) {
      const tensors = tensorsOfModule(value);
      if (tensors.size > 0) found.set(path, tensors);
      return;
    }
    const entries = entriesOf(value);
    if (entries === undefined) return;
    const own = new Map<string, PyValue>();
    for (const [key, one] of entries) if (typeof key === 'string') own.set(key, one);
    if ([...own.values()].some(isLeaf)) found.set(path, own);
    for (const [key, one] of own) visit(one, path === '' ? key : `${path}.${key}`, depth + 1);
  };
  visit(root, '', 0);
  return found;
}

function isLeaf(value: PyValue): value is Leaf {
  return value instanceof TensorNode || value instanceof OtherTensor || isNumpyArray(value);
}

// The state dict of a module that was saved whole: its parameters and buffers, then those of the modules in it.
function tensorsOfModule(root: PyObject): Map<string, PyValue> {
  const tensors = new Map<string, PyValue>();
  const stack: { module: PyObject; prefix: string; depth: number }[] = [
    { module: root, prefix: '', depth: 0 },
  ];
  const seen = new Set<PyObject>();
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    const { module, prefix, depth } = at;
    if (seen.has(module) || depth > 64 || seen.size > maxVisits) continue;
    seen.add(module);
    const state = module.state as Map<PyValue, PyValue>;
    for (const part of ['_parameters', '_buffers']) {
      for (const [key, value] of entriesOf(state.get(part)) ?? []) {
        if (typeof key === 'string' && isLeaf(value)) tensors.set(prefix + key, value);
      }
    }
    const inner = [...(entriesOf(state.get('_modules')) ?? [])].reverse();
    for (const [key, value] of inner) {
      if (typeof key === 'string' && isModule(value)) {
        stack.push({ module: value, prefix: `${prefix}${key}.`, depth: depth + 1 });
      }
    }
  }
  return tensors;
}

function result(path: string, entries: Map<string, PyValue>, notes: string[]): StateDict {
  const leaves = new Map<string, Leaf>();
  const others: string[] = [];
  for (const [name, value] of entries) {
    if (isLeaf(value)) leaves.set(name, value);
    else if (entriesOf(value) === undefined) others.push(name);
  }
  return { path, leaves, others, notes };
}
