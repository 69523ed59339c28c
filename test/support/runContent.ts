import { parseSafetensors } from '../../lib/checkpoints/safetensors.ts';
import type { EpochLog } from '../../lib/core/runSink.ts';
import type { MemoryStore } from './training.ts';

// What depends on the clock.
const timed = new Set(['imagesPerSecond', 'seconds', 'dataWait']);

/**
 * What two runs must agree in to be the same, byte for byte: weights, average, best, moments, counters, and the log but for its
 * times. The files are base64.
 */
export function runContent(store: MemoryStore): Record<string, unknown> {
  const bytes = (name: string) => Buffer.from(store.files.get(name)!).toString('base64');
  const { tensors, metadata } = parseSafetensors(store.files.get('checkpoint.state.safetensors')!);
  const {
    log,
    sums: _,
    ...state
  } = JSON.parse(metadata.get('state')!) as { log: EpochLog[]; sums: unknown };
  const untimed = (entry: object) =>
    Object.fromEntries(Object.entries(entry).filter(([key]) => !timed.has(key)));
  const lines = store.text('log.jsonl').split('\n').filter(Boolean);
  return {
    weights: bytes('checkpoint.safetensors'),
    average: bytes('checkpoint.ema.safetensors'),
    best: bytes('best_checkpoint.safetensors'),
    moments: [...tensors].map(([name, { data: values }]) => [
      name,
      Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64'),
    ]),
    state,
    stateLog: log.map(untimed),
    log: lines.map((line) => untimed(JSON.parse(line) as EpochLog)),
  };
}
