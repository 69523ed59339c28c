/**
 * A wish to end a run, or to save it, from outside: signals on the command line, a button on a page, a test.
 *
 * The trainer looks at it between two steps, so a step is always whole.
 *
 * @property signal  what asked the run to save and end; undefined while nothing did
 */
export interface Stop {
  readonly signal: 'SIGINT' | 'SIGTERM' | undefined;
  /** Whether a save was asked for since the last call; the run goes on after it. */
  takeSaveRequest?(): boolean;
}
