// Several run sinks as one.

import type { RunSink } from '../core/runSink.ts';

/** Several sinks as one; each receives every event, in the order given. */
export function combineSinks(sinks: readonly RunSink[]): Required<RunSink> {
  return {
    begin: (start) => sinks.forEach((sink) => sink.begin?.(start)),
    message: (text) => sinks.forEach((sink) => sink.message?.(text)),
    step: (progress) => sinks.forEach((sink) => sink.step?.(progress)),
    scalars: (step, values) => sinks.forEach((sink) => sink.scalars?.(step, values)),
    evaluation: (progress) => sinks.forEach((sink) => sink.evaluation?.(progress)),
    epoch: (log) => sinks.forEach((sink) => sink.epoch?.(log)),
    test: (log, epochs) => sinks.forEach((sink) => sink.test?.(log, epochs)),
    async close() {
      for (const sink of sinks) await sink.close?.();
    },
  };
}
