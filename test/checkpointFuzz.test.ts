// Mutants of checkpoints of every format: only errors of ours, no hang, nothing run.

import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Rng } from '../lib/core/rng.ts';
import { fuzzReaders } from './support/checkpointMutants.ts';
import { canary } from './support/gadgets.ts';

jest.setTimeout(120_000);

test('3,000 mutants, seed 18', async () => {
  const { read, refused, wrong } = await fuzzReaders(3000, new Rng(18));
  expect(wrong).toEqual([]);
  expect(read).toBeGreaterThan(100);
  expect(refused).toBeGreaterThan(1000);
  expect(existsSync(path.join(tmpdir(), canary)) || existsSync(canary)).toBe(false);
});
