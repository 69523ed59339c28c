// A pause that lets signals and timers run between two steps of a long computation.

/**
 * Lets the event loop go round once.
 *
 * Signals, timers and clicks are handled only then. Awaiting a settled promise, as those of tensors in memory are, does not let
 * the event loop go round, so a loop over such promises would handle none of them.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
