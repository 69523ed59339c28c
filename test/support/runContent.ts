import type { EpochLog } from '../../lib/core/runSink.ts';
import type { MemoryStore } from './training.ts';

// What depends on the clock.
const timed = new Set(['imagesPerSecond', 'seconds', 'dataWait']);

/**
 * What two finished runs must agree in to be the same, byte for byte: weights, average, best, moments with the counters beside
 * them, and the log but for its times. The files are base64; one that a run does not have is undefined.
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
