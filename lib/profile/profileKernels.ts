// The profiler: the time of a program by kernel, by phase, and as spans.

import { assertKind } from '../core/kinds.ts';
import * as tf from '@tensorflow/tfjs';
import { UnsupportedError } from '../core/errors.ts';
import type { Interceptor } from '../core/intercept.ts';
import type { Phase } from '../core/phase.ts';
import { registerReferences } from '../ops/kernel.ts';
import { partSpans } from './partSpans.ts';
import { Recorder, type Span } from './recorder.ts';
import { kernelRows, phaseRows, totalWork, type KernelRow, type PhaseRow } from './rows.ts';
import { timeKernels } from './timeKernels.ts';
import type { Work } from './work.ts';

/**
 * The marks of a program for the profiler. `step` and `phase` run a function, synchronous or not, and return its result.
 *
 * @property step       one round of the program's loop
 * @property phase      a stretch of it by name: `data`, `optimizer`. `valueAndGrad` takes it as an option, for `forward` and `backward`.
 *                      Phases do not nest, the outer one counts
 * @property intercept  for the context of a forward pass: the modules of the model are spans, in forward and backward passes
 */
export interface ProfileMarks {
  step: <T>(run: () => T) => T;
  phase: Phase;
  intercept: Interceptor;
}

/**
 * The profile of a program.
 *
 * @property ms       of the whole body
 * @property rows     a row for each kernel, the one that took longest first. With `outside` their shares sum to 1
 * @property outside  the time in which no kernel ran: JavaScript, tfjs's engine, waiting
 * @property phases   a row for each phase in the order of their beginnings, and `other` for what lies in none; shares sum to 1
 * @property work     of all kernels that have a formula; one that runs within another of these is counted there
 * @property spans    steps, phases, parts and kernel calls as they came, for `chromeTrace`
 */
export interface KernelProfile {
  backend: string;
  ms: number;
  rows: KernelRow[];
  outside: { ms: number; share: number };
  phases: PhaseRow[];
  work: Work;
  spans: readonly Span[];
}

let running = false;

/**
 * Times every kernel that a piece of program runs on the current backend.
 *
 * Each call of a kernel costs some 0.5 µs more while this runs. Floating-point operations and bytes follow from shapes
 * (`Formula`), they are not measured. Run the body once before, so that no first call, with its allocations and its compiler, is
 * in the figures.
 *
 * @param body  run once; told how to mark steps, phases and modules
 * @throws whatever the body throws, with the kernels as they were before
 * @throws UnsupportedError on webgl and webgpu, whose kernels return before their work is done, and inside another profile
 *
 * @example
 * const {rows, outside} = await profileKernels(({ intercept }) => tf.tidy(() => void model.forward(images, { intercept })));
 * for (const {kernel, calls, selfMs, share} of rows) console.log(kernel, calls, selfMs, share);
 */
export async function profileKernels(
  body: (marks: ProfileMarks) => unknown,
): Promise<KernelProfile> {
  assertKind('the work to profile', body, 'function');
  if (running) {
    throw new UnsupportedError(
      'Expected one profile at a time, received a second. Await the first.',
    );
  }
  const recorder = new Recorder();
  let restoreKernels: (() => void) | undefined;
  running = true;
  let ms: number;
  try {
    // Before the clocks, so that each gets one.
    registerReferences();
    restoreKernels = timeKernels(recorder);
    const start = performance.now();
    await body({
      step: (run) => recorder.during('step', 'step', run),
      phase: (name, run) => recorder.phase(name, run),
      intercept: partSpans(recorder),
    });
    ms = performance.now() - start;
  } finally {
    recorder.endAll();
    restoreKernels?.();
    running = false;
  }
  const { spans } = recorder;
  const rows = kernelRows(spans, ms);
  const outside = ms - rows.reduce((sum, { selfMs }) => sum + selfMs, 0);
  return {
    backend: tf.getBackend(),
    ms,
    rows,
    outside: { ms: outside, share: outside / ms },
    phases: phaseRows(spans, ms),
    work: totalWork(spans),
    spans,
  };
}
