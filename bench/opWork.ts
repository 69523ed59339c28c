// A row of the op table (test/cases/ops.ts) as work: forward, or forward with gradients.

import * as tf from '@tensorflow/tfjs';
import { benchCases, opCases } from '../test/cases/ops.ts';
import { differentiable, drawInputs } from '../test/support/opCase.ts';
import type { OpCase } from '../test/support/opCase.ts';
import type { Work } from './works.ts';

/** The rows of the op table, those at the sizes of real models first. */
export const opRows: readonly OpCase[] = [...benchCases, ...opCases];

/** The repeatable calls of a row, and the release of its inputs. Rows that are not differentiated have no `backward`. */
export interface OpWork {
  forward: () => tf.Tensor;
  backward: (() => tf.Tensor[]) | undefined;
  dispose: () => void;
}

/** The inputs of a row on the backend that is set, and the op on them. */
export function opWork(row: OpCase): OpWork {
  const inputs = new Map(
    [...drawInputs(row)].map(([name, data]) => [
      name,
      tf.tensor(data, [...row.inputs[name]!.shape]),
    ]),
  );
  const wanted = differentiable(row);
  const run = (xs: tf.Tensor[] = []) => {
    const changed = wanted.map((name, i) => [name, xs[i] ?? inputs.get(name)!] as const);
    return row.run({ ...Object.fromEntries(inputs), ...Object.fromEntries(changed) });
  };
  const gradients = tf.grads((...xs: tf.Tensor[]) => tf.sum(run(xs)));
  const points = wanted.map((name) => inputs.get(name)!);
  return {
    forward: () => tf.tidy(() => run()),
    backward: wanted.length === 0 ? undefined : () => tf.tidy(() => gradients(points)),
    dispose: () => tf.dispose([...inputs.values()]),
  };
}

/** The works of the op table: each row, and each row that has gradients with them. */
export function opWorks(only: string): Work[] {
  return opRows
    .filter(({ name }) => name.includes(only))
    .flatMap((row) => {
      const work = {
        name: row.name,
        kind: 'op' as const,
        precision: 'fp32' as const,
        batch: null,
        shape: Object.values(row.inputs)[0]?.shape ?? [],
        flops: row.flops,
      };
      return differentiable(row).length === 0 ? [work] : [work, { ...work, gradients: true }];
    });
}

/** One row made ready, with some elements of its result. */
export async function prepareOp(name: string, gradients: boolean) {
  const { forward, backward, dispose } = opWork(opRows.find((row) => row.name === name)!);
  const compute = gradients && backward !== undefined ? backward : () => [forward()];
  const repeat = async () => {
    const all = compute();
    const values = await all[0]!.data();
    tf.dispose(all);
    return values;
  };
  const check = Array.from((await repeat()).slice(0, 64), Number);
  return { check, repeat: async () => void (await repeat()), dispose };
}
