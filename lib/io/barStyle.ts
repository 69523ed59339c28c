// How a progress bar looks in a terminal.

import type { Options } from 'cli-progress';

/** The options that all bars share. Whoever shows one handles signals: a run must be able to save, a command to say how to go on. */
export const barStyle = {
  barCompleteChar: '=',
  barIncompleteChar: ' ',
  barsize: 20,
  hideCursor: true,
  clearOnComplete: true,
  stopOnComplete: false,
  gracefulExit: false,
} as const satisfies Options;
