// How a residual branch meets a backend: as one kernel with a gradient kernel of its own where the backend has both, else as the
// small ops that it is made of.

import * as tf from '@tensorflow/tfjs';
import { assertNumber, assertRank, assertShape } from '../core/check.ts';
import type { BranchInputs, KernelContracts } from '../core/kernels.ts';
import { isRecording } from './gradients.ts';
import { hasFastKernel, runRegistered } from './kernel.ts';

type BranchName = 'VitMlpBranch' | 'VitAttentionBranch';
type InputsOf<K extends BranchName> = KernelContracts[K]['inputs'];
type AttrsOf<K extends BranchName> = Omit<KernelContracts[K]['attrs'], 'recorded'>;

/** What is checked of every branch. @throws ShapeError, InputError */
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

/** x + keep·scale·inner: the end of a branch in small ops. */
export function addBranch(
  { x, scale, keep }: Pick<BranchInputs, 'x' | 'scale' | 'keep'>,
  inner: tf.Tensor3D,
): tf.Tensor3D {
  const scaled = scale === undefined ? inner : tf.mul<tf.Tensor3D>(inner, scale);
  return tf.add(x, keep === undefined ? scaled : tf.mul(scaled, tf.reshape(keep, [-1, 1, 1])));
}

/**
 * Runs a branch as one kernel, or else `small`.
 *
 * @param optional  names of inputs that may be missing, in the order of their gradients after those of the others
 * @param required  names of the others but x, gamma, beta: the weights, in the order of their gradients
 */
export function runBranch<K extends BranchName>(
  name: K,
  inputs: InputsOf<K>,
  attrs: AttrsOf<K>,
  {
    required,
    optional,
    small,
  }: { required: string[]; optional: string[]; small: () => tf.Tensor3D },
): tf.Tensor3D {
  const floats = Object.values(inputs as object).every(
    (tensor: tf.Tensor) => tensor.dtype === 'float32',
  );
  const served = floats && inputs.x.size > 0 && hasFastKernel(name);
  if (!served) return tf.tidy(small);
  const given = inputs as unknown as Record<string, tf.Tensor>;
  if (!isRecording()) {
    return tf.tidy(
      () => runRegistered(name, given, { ...attrs, recorded: false })[0] as tf.Tensor3D,
    );
  }
  const names = ['x', 'gamma', 'beta', ...required, ...optional.filter((key) => key in given)];
  const constant = given['keep'];
  return tf.tidy(() => {
    // The tape sees only the step below: nothing after it reads these two.
    const [y, saved] = runRegistered(name, given, { ...attrs, recorded: true });
    // Not a registered gradient: tfjs cannot keep inputs for one that may be missing.
    const op = tf.customGrad((...args) => {
      const save = args.at(-1) as unknown as tf.GradSaveFunc;
      const tensors = names.map((key) => given[key]!);
      save([saved!, ...(constant === undefined ? [] : [constant]), ...tensors]);
      const gradFunc = (dOut: tf.Tensor, kept: tf.Tensor[]): tf.Tensor[] => {
        const [ownSaved, ...rest] = kept as [tf.Tensor, ...tf.Tensor[]];
        const keep = constant === undefined ? {} : { keep: rest.shift()! };
        const again = Object.fromEntries(names.map((key, i) => [key, rest[i]!]));
        const all = { ...again, ...keep, dOut, saved: ownSaved };
        return runRegistered(`${name}Grad`, all, { ...attrs, recorded: true });
      };
      return { value: tf.clone(y!), gradFunc };
    });
    return op(...names.map((key) => given[key]!)) as tf.Tensor3D;
  });
}
