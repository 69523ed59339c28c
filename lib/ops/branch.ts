// Residual branches, fused where the backend has a kernel for the branch and one for its gradient, and as separate ops elsewhere.
// A sequence of branches that is not differentiated is one kernel too: JavaScript between them would cost a small model a tenth of
// its time.

import * as tf from '@tensorflow/tfjs';
import { assertNumber, assertRank, assertShape } from '../core/check.ts';
import { BranchChain } from '../core/kernels.ts';
import type { BranchChainAttrs, BranchInputs, KernelContracts } from '../core/kernels.ts';
import { innerGradients, isRecording } from './gradients.ts';
import { hasFastKernel, runRegistered } from './kernel.ts';

type BranchName = 'VitMlpBranch' | 'VitAttentionBranch';
type InputsOf<K extends BranchName> = KernelContracts[K]['inputs'];
type AttrsOf<K extends BranchName> = Omit<KernelContracts[K]['attrs'], 'recorded'>;

/**
 * A branch whose inputs are checked, ready to run on an x.
 *
 * @property inputs    all but x
 * @property required  names of the weights, in the order of their gradients after those of x, gamma and beta
 * @property optional  names of inputs that may be missing, in the order of their gradients after those
 * @property unfused   the branch as separate ops, on x and on inputs as these
 */
export interface Branch<K extends BranchName = BranchName> {
  kernel: K;
  inputs: Readonly<Record<string, tf.Tensor>>;
  attrs: AttrsOf<K>;
  required: readonly string[];
  optional: readonly string[];
  unfused: (x: tf.Tensor3D, inputs: Branch['inputs']) => tf.Tensor3D;
}

/** Checks the inputs that every branch has. @throws ShapeError, InputError */
export function checkBranch(
  { x, gamma, beta, scale, keep }: BranchInputs,
  { epsilon }: { epsilon: number },
): void {
  assertRank('x', x, 3);
  const [batch, , dim] = x.shape;
  assertShape('gamma', gamma, [dim]);
  assertShape('beta', beta, [dim]);
  if (scale !== undefined) assertShape('scale', scale, [dim]);
  if (keep !== undefined) assertShape('keep', keep, [batch]);
  assertNumber('epsilon', epsilon, { min: 0 });
}

/** x + keep·scale·inner: the end of an unfused branch. */
export function addBranch(
  { x, scale, keep }: Pick<BranchInputs, 'x' | 'scale' | 'keep'>,
  inner: tf.Tensor3D,
): tf.Tensor3D {
  const scaled = scale === undefined ? inner : tf.mul<tf.Tensor3D>(inner, scale);
  return tf.add(x, keep === undefined ? scaled : tf.mul(scaled, tf.reshape(keep, [-1, 1, 1])));
}

/** Makes a branch from the inputs of its op. */
export function makeBranch<K extends BranchName>(
  kernel: K,
  { x: _, ...inputs }: InputsOf<K>,
  rest: Pick<Branch<K>, 'attrs' | 'required' | 'optional' | 'unfused'>,
): Branch<K> {
  return { kernel, inputs: inputs as unknown as Branch['inputs'], ...rest };
}

/** Runs a branch as one kernel where the backend has it, and unfused elsewhere. */
export function runBranch(branch: Branch, x: tf.Tensor3D): tf.Tensor3D {
  const { kernel, attrs, unfused } = branch;
  const floats = areFloats([x, ...Object.values(branch.inputs)]);
  if (!floats || x.size === 0 || !hasFastKernel(kernel)) {
    return tf.tidy(() => unfused(x, branch.inputs));
  }
  if (isRecording()) return tf.tidy(() => recorded(branch, x));
  const inputs = { x, ...branch.inputs };
  return runRegistered(kernel, inputs, { ...attrs, recorded: false })[0] as tf.Tensor3D;
}

/** Whether `runBranches` would run more than one branch in one call now. */
export function canFuseBranches(): boolean {
  return !isRecording() && hasFastKernel(BranchChain);
}

/** Runs branches in sequence, as one kernel where `canFuseBranches`. */
export function runBranches(branches: readonly Branch[], x: tf.Tensor3D): tf.Tensor3D {
  const joins = branches.length > 1 && x.size > 0 && x.dtype === 'float32' && canFuseBranches();
  const chain = joins ? chainOf(branches) : undefined;
  if (chain?.ofFloats !== true) {
    return tf.tidy(() => branches.reduce((y, branch) => runBranch(branch, y), x));
  }
  const inputs = [x, ...chain.tensors] as unknown as Record<string, tf.Tensor>;
  return runRegistered(BranchChain, inputs, chain.attrs)[0] as tf.Tensor3D;
}

interface Chain {
  branches: readonly Branch[];
  ofFloats: boolean;
  tensors: readonly tf.Tensor[];
  attrs: BranchChainAttrs;
}
// The chains by their first branch. A model that runs the same branches again passes the backend the same attributes object, under
// which the backend has cached its preparations.
const chains = new WeakMap<Branch, Chain>();

function chainOf(branches: readonly Branch[]): Chain {
  const known = chains.get(branches[0]!);
  if (known?.branches.length === branches.length) {
    if (branches.every((branch, i) => branch === known.branches[i])) return known;
  }
  const parts = branches.map(({ kernel, inputs, attrs }) => {
    return { kernel, attrs: { ...attrs, recorded: false }, names: Object.keys(inputs) };
  });
  const chain = {
    branches: [...branches],
    ofFloats: branches.every(({ inputs }) => areFloats(Object.values(inputs))),
    tensors: branches.flatMap(({ inputs }) => Object.values(inputs)),
    attrs: { branches: parts as unknown as BranchChainAttrs['branches'] },
  };
  chains.set(branches[0]!, chain);
  return chain;
}

function areFloats(tensors: readonly tf.Tensor[]): boolean {
  return tensors.every(({ dtype }) => dtype === 'float32');
}

function recorded({ kernel, inputs, unfused, ...branch }: Branch, x: tf.Tensor3D): tf.Tensor3D {
  const given: Readonly<Record<string, tf.Tensor>> = { x, ...inputs };
  const attrs = { ...branch.attrs, recorded: true };
  const optional = branch.optional.filter((key) => key in given);
  const names = ['x', 'gamma', 'beta', ...branch.required, ...optional];
  const constant = given['keep'];
  // Only the op below is recorded on the tape: nothing after it reads these two tensors.
  const [y, saved] = runRegistered(kernel, given, attrs);
  // tfjs cannot save an input that may be missing, so the gradient cannot be a registered one.
  const op = tf.customGrad((...args) => {
    const save = args.at(-1) as unknown as tf.GradSaveFunc;
    const tensors = names.map((key) => given[key]!);
    save([saved!, ...(constant === undefined ? [] : [constant]), ...tensors]);
    const gradFunc = (dOut: tf.Tensor, kept: tf.Tensor[]): tf.Tensor[] => {
      const [ownSaved, ...rest] = kept as [tf.Tensor, ...tf.Tensor[]];
      const keep = constant === undefined ? {} : { keep: rest.shift()! };
      const again = Object.fromEntries(names.map((key, i) => [key, rest[i]!]));
      // The saved tensor is read by the kernel of this backend alone: another one, set since, runs the branch once more.
      if (!hasFastKernel(`${kernel}Grad`)) {
        const own = { ...again, ...keep };
        return innerGradients(() => unfused(again['x'] as tf.Tensor3D, own), rest, dOut);
      }
      return runRegistered(`${kernel}Grad`, { ...again, ...keep, dOut, saved: ownSaved }, attrs);
    };
    return { value: tf.clone(y!), gradFunc };
  });
  return op(...names.map((key) => given[key]!)) as tf.Tensor3D;
}
