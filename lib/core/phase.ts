// The interface that marks the phases of a program for a profiler; without one, a program passes `unmarked`.

/**
 * Runs a stretch of work under a name (`forward`, `backward`, `optimizer`) and gives back its result, a promise or a value.
 *
 * @example const phase: Phase = (name, run) => { console.time(name); try { return run(); } finally { console.timeEnd(name); } };
 */
export type Phase = <T>(name: string, run: () => T) => T;

/** The phase of a program without a profiler: it only runs the work. */
export const unmarked: Phase = (_name, run) => run();
