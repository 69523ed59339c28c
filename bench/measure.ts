// Rounds in which contenders take turns, and the check that they all compute the same.

import type { Contender, Ready, Task } from './contenderProcess.ts';
import { spreadOf, type Spread } from './statistics.ts';

/** The times and the memory of one contender in a work. */
export interface Measured extends Spread {
  contender: string;
  peakRssBytes: number;
  ready: Ready;
}

/** Options of the rounds. `pauseMs` lets the threads of the contender before fall asleep: some spin for 200 ms after their work. */
export interface MeasureOptions {
  rounds: number;
  pauseMs: number;
  onFailure: (line: string) => void;
}

/**
 * Measures one work on all contenders in turn: A B C, A B C, …
 *
 * A contender that fails, or whose results differ from those of the first, is reported and left out from then on.
 */
export async function measure(
  task: Task,
  contenders: readonly Contender[],
  { rounds, pauseMs, onFailure }: MeasureOptions,
): Promise<Measured[]> {
  const running = new Map<Contender, { ready: Ready; times: number[]; peakRssBytes: number }>();
  const attempt = async (contender: Contender, body: () => Promise<void>): Promise<void> => {
    try {
      await body();
    } catch (error) {
      running.delete(contender);
      onFailure(error instanceof Error ? error.message : String(error));
    }
  };
  let first: { name: string; check: readonly number[] } | undefined;
  for (const contender of contenders) {
    await attempt(contender, async () => {
      const ready = await contender.prepare(task);
      first ??= { name: contender.name, check: ready.check };
      const difference = disagreement(task, first.check, ready.check);
      if (difference !== undefined) {
        throw new Error(`${contender.name} and ${first.name} do not agree: ${difference}`);
      }
      running.set(contender, { ready, times: [], peakRssBytes: 0 });
    });
  }
  for (let i = 0; i < rounds; i++) {
    for (const [contender, state] of running) {
      await attempt(contender, async () => {
        await new Promise((resolve) => setTimeout(resolve, pauseMs));
        const { ms, peakRssBytes } = await contender.round();
        state.times.push(ms);
        state.peakRssBytes = Math.max(state.peakRssBytes, peakRssBytes);
      });
    }
  }
  return [...running].map(([{ name }, { ready, times, peakRssBytes }]) => ({
    ...spreadOf(times),
    contender: name,
    peakRssBytes,
    ready,
  }));
}

/**
 * A sentence on how two contenders' results differ, or undefined if they agree.
 *
 * The limits of losses in training: in fp32 1e-3 for the first step and 1e-2 for the later ones, because AdamW's first updates have
 * the sign of the gradient, which rounding can flip where the gradient is zero; in bf16 2 % for each. The limits of the relative
 * L2 distance elsewhere: 1e-3 in fp32; in bf16 0.03 for logits, because contenders round activations at different places, and 0.01
 * for a matrix product, whose operands are rounded alike and whose result some contenders round by at most 2⁻⁹.
 */
export function disagreement(
  { kind, precision }: Pick<Task, 'kind' | 'precision'>,
  ours: readonly number[],
  theirs: readonly number[],
): string | undefined {
  if (ours.length !== theirs.length) return `${ours.length} values and ${theirs.length}`;
  if (kind === 'train') {
    for (const [i, loss] of ours.entries()) {
      const allowed = precision === 'bf16' ? 0.02 * Math.abs(loss) : i === 0 ? 1e-3 : 1e-2;
      if (Math.abs(loss - theirs[i]!) <= allowed) continue;
      return `the loss of step ${i + 1} is ${loss} and ${theirs[i]}`;
    }
    return undefined;
  }
  const norm = Math.hypot(...ours);
  const distance = Math.hypot(...ours.map((value, i) => value - theirs[i]!));
  const allowed = precision === 'fp32' ? 1e-3 : kind === 'gemm' ? 0.01 : 0.03;
  return distance <= allowed * norm ? undefined : `their relative distance is ${distance / norm}`;
}
