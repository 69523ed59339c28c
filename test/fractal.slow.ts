// The whole search of FractalDB-1k.

import { searchCategories } from '../lib/fractaldb/search.ts';
import { fractalKernels } from '../lib/fractaldb/kernels.ts';
import { typescriptKernels } from '../lib/fractal/kernels.ts';
import { candidateStream } from '../lib/fractal/candidates.ts';
import { FractalWorkers } from '../lib/fractaldb/workers.ts';

jest.setTimeout(1_200_000);

test('the 1,000 categories are the official ones, up to candidate 42,654', async () => {
  const workers = new FractalWorkers(2);
  const found = await searchCategories(1000, workers);
  await workers.close();
  const candidates = found.map(({ candidate }) => candidate);
  expect(candidates).toHaveLength(1000);
  expect([0, 9, 19, 29, 39, 999].map((i) => candidates[i])).toEqual([
    23, 303, 652, 1179, 1673, 42_654,
  ]);
  // The one that fills exactly the least number of pixels, 52,429.
  expect(candidates).toContain(22_786);
});

test('the first 40 are the same by both implementations', () => {
  const share = { first: 0, step: 1 };
  const slow = typescriptKernels().scan(candidateStream(), 1674, share);
  expect(slow).toHaveLength(40);
  expect(slow[39]!.offset).toBe(1673);
  expect(fractalKernels().scan(candidateStream(), 1674, share)).toEqual(slow);
});
