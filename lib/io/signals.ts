// Signals of the process as requests to save or to end a run.

import { readFileSync, readlinkSync } from 'node:fs';
import { signalExitCodes } from '../core/stop.ts';
import type { Stop, StopSignal } from '../core/stop.ts';

/** Another signal within this time in ms counts as the same one, because npm and terminals deliver it to the child twice. */
const oneSignalMs = 1000;

/** A `Stop` that listens to the process's signals until `dispose()`. */
export interface SignalStop extends Stop {
  /** Gives the signals back to their default. */
  dispose(): void;
}

/**
 * Turns signals into requests to a run: SIGINT, SIGTERM, SIGQUIT and SIGHUP (the terminal is gone) ask for the step to be finished,
 * the run saved and ended, SIGUSR1 and SIGUSR2 for a save. Signals within one second are one. A SIGINT or SIGQUIT after that
 * second quits at once, with exit code 130 or 131, and files that were saved before stay whole.
 *
 * Under `nohup` SIGHUP does nothing: Node itself forgets that nohup asked for it.
 *
 * @param options.onSignal  told the name of the first signal, for a line to the user
 * @param options.quit      ends the process at once; for tests
 * @param options.now       the time in ms, for tests
 * @param options.nohup     whether the process runs under nohup; for tests
 *
 * @example
 * const stop = listenForSignals({onSignal: (name) => console.error(`${name}: finishing the step.`)});
 * try { await train(config, {...env, stop}); } finally { stop.dispose(); }
 */
export function listenForSignals({
  onSignal,
  quit = (code) => process.exit(code),
  now = () => performance.now(),
  nohup = isUnderNohup(),
}: {
  onSignal?: (signal: StopSignal) => void;
  quit?: (code: number) => void;
  now?: () => number;
  nohup?: boolean;
} = {}): SignalStop {
  let signal: StopSignal | undefined;
  let first = 0;
  let saveRequested = false;
  const ask = (received: StopSignal) => {
    if (signal === undefined) {
      [signal, first] = [received, now()];
      onSignal?.(received);
    } else if (['SIGINT', 'SIGQUIT'].includes(received) && now() - first >= oneSignalMs) {
      quit(signalExitCodes[received]);
    }
  };
  const handlers = {
    SIGINT: () => ask('SIGINT'),
    SIGTERM: () => ask('SIGTERM'),
    SIGHUP: () => (nohup ? undefined : ask('SIGHUP')),
    SIGQUIT: () => ask('SIGQUIT'),
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

// nohup opens /dev/null for writing alone as the standard input of a program that was started from a terminal, which nothing else
// does. Source: GNU coreutils, nohup.c. Only Linux tells how a file was opened.
function isUnderNohup(): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync('/proc/self/fdinfo/0', 'utf8'));
    const writesOnly = (parseInt(flags?.[1] ?? '0', 8) & 3) === 1;
    return writesOnly && readlinkSync('/proc/self/fd/0') === '/dev/null';
  } catch {
    return false;
  }
}
