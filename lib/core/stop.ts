// The interface through which a run is asked to save or to end.

/** The signals that ask a run to save and end. */
export type StopSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGQUIT';

/** The exit code after each signal, as shells expect: 128 and the signal's number. */
export const signalExitCodes = { SIGHUP: 129, SIGINT: 130, SIGQUIT: 131, SIGTERM: 143 } as const;

/**
 * A request from outside to end a run or to save it: signals on the command line, a button on a page, a test.
 *
 * The trainer looks at it between two steps, so a step is always whole.
 *
 * @property signal  the name of the signal that asked the run to save and end; undefined before
 */
export interface Stop {
  readonly signal: StopSignal | undefined;
  /** Whether a save was asked for since the last call; the run goes on after it. */
  takeSaveRequest?(): boolean;
}
