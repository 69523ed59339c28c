// The profiler's interceptor: a span for each module of a model in the forward pass, and for the same module in the backward pass.

import * as tf from '@tensorflow/tfjs';
import type { Interceptor } from '../core/intercept.ts';
import { isRecording } from '../ops/gradients.ts';
import type { Recorder, Span } from './recorder.ts';

/**
 * Makes a span of each module that runs in a forward pass, and of the same module in the backward pass. Spans carry the names of
 * the state dict: `blocks.3.attn`.
 *
 * It wants no step, so the pass takes the path that it takes without a profile, and a module inside a fused op has no span.
 *
 * A step of the backward pass belongs to the module that recorded it on tfjs's tape. The span of a module begins with its first
 * gradient and ends with the first gradient of another: the time in between is the former's.
 */
export function partSpans(recorder: Recorder): Interceptor {
  const tape = new LabelledTape(recorder);
  return {
    wants: () => false,
    call: ({ path, module, inputs }, forward) => {
      if (module === undefined) return forward(...inputs);
      tape.enter(path);
      return recorder.during('part', path, () => {
        const result = forward(...inputs);
        tape.labelNews();
        return result;
      });
    },
  };
}

type Tape = NonNullable<ReturnType<typeof tf.engine>['state']['activeTape']>;

/** tfjs's tape, each step of which knows the module that recorded it. */
class LabelledTape {
  private readonly recorder: Recorder;
  private readonly parts = new Set<string>();
  private readonly labelled = new WeakMap<Tape, number>();
  /** The spans of the module that the backward pass is in, from the outermost. */
  private walk: Span[] = [];

  constructor(recorder: Recorder) {
    this.recorder = recorder;
  }

  /** A module begins its forward pass: what was recorded before is not its own, and a backward pass is over or leaves its module. */
  enter(path: string): void {
    this.parts.add(path);
    while (this.walk.length > 0) this.recorder.end(this.walk.pop()!);
    this.labelNews();
  }

  /** Gives the steps recorded since the last call to the module that is running. */
  labelNews(): void {
    const tape = tf.engine().state.activeTape;
    if (!isRecording() || tape == null) return;
    const path = this.recorder.enclosing('part')?.name ?? '';
    for (const step of tape.slice(this.labelled.get(tape) ?? 0)) {
      const { gradient } = step;
      if (gradient === undefined) continue;
      step.gradient = (dOut) => {
        this.moveTo(path);
        return gradient(dOut);
      };
    }
    this.labelled.set(tape, tape.length);
  }

  private moveTo(path: string): void {
    // The end of a backward pass has ended what was open in it.
    this.walk = this.walk.filter(({ end }) => Number.isNaN(end));
    while (this.walk.length > 0 && !isInside(path, this.walk.at(-1)!.name)) {
      this.recorder.end(this.walk.pop()!);
    }
    const names = path.split('.');
    for (let count = 1; count <= names.length; count += 1) {
      const name = names.slice(0, count).join('.');
      const known = this.parts.has(name) && !this.walk.some((span) => span.name === name);
      if (known) this.walk.push(this.recorder.begin('part', name));
    }
  }
}

function isInside(path: string, part: string): boolean {
  return path === part || path.startsWith(`${part}.`);
}
