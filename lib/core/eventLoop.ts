// A pause that lets signals and timers run between two steps of a long computation.

/**
 * Lets the event loop go round once.
 *
 * Signals, timers and clicks wait for that. Awaiting a promise that is settled already, as those of tensors in memory are, does
 * not do it: a loop of such promises is deaf.
 */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
