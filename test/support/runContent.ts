import type { EpochLog } from '../../lib/core/runSink.ts';
import type { MemoryStore } from './training.ts';

// The fields of the log that depend on the clock.
const timed = new Set(['imagesPerSecond', 'seconds', 'dataWait']);

/**
 * The content of a finished run that must be equal, byte for byte, in a repeated run: weights, average, best, moments with their
 * counters, and the log without its times. The files are base64; one that a run does not have is undefined.
 */
export function runContent(store: MemoryStore): Record<string, unknown> {
  const bytes = (name: string) => {
    const file = store.files.get(name);
    return file && Buffer.from(file).toString('base64');
  };
  const lines = store.text('log.jsonl').split('\n').filter(Boolean);
  return {
    weights: bytes('checkpoint.safetensors'),
    average: bytes('checkpoint.ema.safetensors'),
    best: bytes('best_checkpoint.safetensors'),
    state: bytes('checkpoint.state.safetensors'),
    log: lines.map((line) =>
      Object.entries(JSON.parse(line) as EpochLog).filter(([key]) => !timed.has(key)),
    ),
  };
}
