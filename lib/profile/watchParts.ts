import * as tf from '@tensorflow/tfjs';
import type { Module } from '../core/module.ts';
import { isRecording } from '../ops/gradients.ts';
import type { Recorder, Span } from './recorder.ts';
import { replaceMethod } from './replaceMethod.ts';

/**
 * Makes a span of each part of a model in its forward pass, and of the same part in the backward pass, until the returned
 * function is called. Parts carry their names in the state dict: `blocks.3.attn`.
 *
 * What a part recorded for its gradient is known by its place on tfjs's tape. In a backward pass the span of a part begins with
 * its first gradient and ends with the first of another: what lies between is the former's.
 */
export function watchParts(recorder: Recorder, model: Module): () => void {
  const parts = new Map(partsOf(model));
  const tape = new LabelledTape(recorder, parts);
  const undo = [...parts].map(([path, part]) =>
    replaceMethod(part, 'forward', (forward) => {
      tape.labelNews();
      return recorder.during('part', path, () => {
        const result = forward();
        tape.labelNews();
        return result;
      });
    }),
  );
  return () => undo.forEach((restore) => restore());
}

type ForwardPart = Module & { forward: unknown };
type Tape = NonNullable<ReturnType<typeof tf.engine>['state']['activeTape']>;

// Parts that have a forward pass of their own; a `Sequence` has none.
function* partsOf(module: Module, prefix = ''): Generator<[string, ForwardPart]> {
  for (const [name, part] of module.children()) {
    if ('forward' in part) yield [prefix + name, part as ForwardPart];
    yield* partsOf(part, `${prefix}${name}.`);
  }
}

/** tfjs's tape, each step of which knows the part that recorded it. */
class LabelledTape {
  private readonly recorder: Recorder;
  private readonly parts: ReadonlyMap<string, unknown>;
  private readonly labelled = new WeakMap<Tape, number>();
  /** The spans of the part that the backward pass is in, from the outermost. */
  private walk: Span[] = [];

  constructor(recorder: Recorder, parts: ReadonlyMap<string, unknown>) {
    this.recorder = recorder;
    this.parts = parts;
  }

  /** Gives the steps recorded since the last call to the part that is running. */
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
