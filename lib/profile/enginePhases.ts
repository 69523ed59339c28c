import * as tf from '@tensorflow/tfjs';
import type { Recorder, Span } from './recorder.ts';
import { replaceMethod } from './replaceMethod.ts';

/**
 * Makes a phase of each forward and each backward pass that tfjs differentiates, until the returned function is called.
 *
 * tfjs runs both in tidies of these names, so any program's are found; a program's own `tf.tidy('forward', …)` is one too.
 * Inside another phase it is none: a forward pass that a backward pass runs again belongs to that.
 */
export function markEnginePhases(recorder: Recorder): () => void {
  const engine = tf.engine();
  let marked: { scope: object; phase: Span } | undefined;
  const undoStart = replaceMethod(engine, 'startScope', (start, [name]) => {
    start();
    if (name !== 'forward' && name !== 'backward') return;
    if (recorder.enclosing('phase') !== undefined) return;
    marked = { scope: engine.state.activeScope, phase: recorder.begin('phase', name) };
  });
  const undoEnd = replaceMethod(engine, 'endScope', (end) => {
    const ended = engine.state.activeScope;
    end();
    if (marked?.scope !== ended) return;
    recorder.end(marked.phase);
    marked = undefined;
  });
  return () => {
    undoStart();
    undoEnd();
  };
}
