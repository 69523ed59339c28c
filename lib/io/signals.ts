// Signals of the process as requests to save or to end a run.

import type { Stop } from '../core/stop.ts';

/** Another signal within this time in ms counts as the same one, because npm and terminals deliver it to the child twice. */
const oneSignalMs = 1000;

/** A `Stop` that listens to the process's signals until `dispose()`. */
export interface SignalStop extends Stop {
  /** Gives the signals back to their default. */
  dispose(): void;
}

/**
 * Turns signals into requests to a run: SIGINT and SIGTERM ask for the step to be finished, the run saved and ended, SIGUSR1 and
 * SIGUSR2 for a save. Signals within one second are one. A SIGINT after that second quits at once, with exit code 130, and
 * files that were saved before stay whole.
 *
 * @param options.onSignal  told the name of the first signal, for a line to the user
 * @param options.quit      ends the process at once; for tests
 * @param options.now       the time in ms, for tests
 *
 * @example
 * const stop = listenForSignals({onSignal: (name) => console.error(`${name}: finishing the step.`)});
 * try { await train(config, {...env, stop}); } finally { stop.dispose(); }
 */
export function listenForSignals({
  onSignal,
  quit = (code) => process.exit(code),
  now = () => performance.now(),
}: {
  onSignal?: (signal: 'SIGINT' | 'SIGTERM') => void;
  quit?: (code: number) => void;
  now?: () => number;
} = {}): SignalStop {
  let signal: 'SIGINT' | 'SIGTERM' | undefined;
  let first = 0;
  let saveRequested = false;
  const ask = (received: 'SIGINT' | 'SIGTERM') => {
    if (signal === undefined) {
      [signal, first] = [received, now()];
      onSignal?.(received);
    } else if (received === 'SIGINT' && now() - first >= oneSignalMs) {
      quit(130);
    }
  };
  const handlers = {
    SIGINT: () => ask('SIGINT'),
    SIGTERM: () => ask('SIGTERM'),
    SIGUSR1: () => (saveRequested = true),
    SIGUSR2: () => (saveRequested = true),
  } as const;
  const names = Object.keys(handlers) as (keyof typeof handlers)[];
  for (const name of names) process.on(name, handlers[name]);
  return {
    get signal() {
      return signal;
    },
    takeSaveRequest() {
      const asked = saveRequested;
      saveRequested = false;
      return asked;
    },
    dispose() {
      for (const name of names) process.off(name, handlers[name]);
    },
  };
}
