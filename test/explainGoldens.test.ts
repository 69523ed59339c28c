import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { selectBackend, type BackendName } from '../lib/backends/select.ts';
import { runCase } from '../lib/parity/run.ts';
import { isas } from './support/native.ts';

// Published code of four repositories, on every backend that is there; `tfjs-vit parity` runs the same.
const root = path.join(import.meta.dirname, 'goldens', 'explain');
const cases = ['chefer-lrp', 'chefer-lrp-14x14', 'rollouts', 'rollouts-distilled', 'mm-detr'];
const backends: BackendName[] = ['cpu', 'wasm', ...(isas.length > 0 ? (['native'] as const) : [])];

describe.each(backends)('on %s', (backend) => {
  beforeAll(async () => {
    // On wasm tfjs's check for leaks counts what a gradient of one's own saves.
    tf.env().set('IS_TEST', false);
    await selectBackend({ backend });
  });

  // Plain JavaScript takes minutes for relevance propagation.
  const fast = backend === 'cpu' ? cases.slice(2) : cases;
  test.each(fast)('%s', async (name) => {
    const { entries, verdict, detail } = await runCase(path.join(root, name));
    const failed = entries.filter((entry) => entry.verdict !== 'ok');
    expect([detail, failed.map(({ entry, difference }) => [entry, difference])]).toEqual([
      undefined,
      [],
    ]);
    expect([verdict, entries.length >= (name === 'mm-detr' ? 15 : 26)]).toEqual(['ok', true]);
  });
});
