// The interface through which a run is asked to save or to end.

/**
 * A request from outside to end a run or to save it: signals on the command line, a button on a page, a test.
 *
 * The trainer looks at it between two steps, so a step is always whole.
 *
 * @property signal  the name of the signal that asked the run to save and end; undefined before
 */
export interface Stop {
  readonly signal: 'SIGINT' | 'SIGTERM' | undefined;
  /** Whether a save was asked for since the last call; the run goes on after it. */
  takeSaveRequest?(): boolean;
}
