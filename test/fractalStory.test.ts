// The images of the story of learning from fractals.

import { labelledDigits, openDigits } from '../examples/fractalStory/data.ts';
import { quick as plan } from '../examples/fractalStory/plan.ts';

test('labelled digits are so many of each class, others with another seed, in copies', async () => {
  const { pool } = await openDigits(plan);
  const digits = labelledDigits(pool, { perClass: 3, length: 100, seed: 0 });
  const keyOf = (dataset: typeof digits, i: number) =>
    `${dataset.label(i)} ${Buffer.from((dataset.image(i) as { data: Uint8Array }).data).toString('base64')}`;
  const keys = Array.from({ length: 100 }, (_, i) => keyOf(digits, i));
  const own = new Set(keys);
  expect(own.size).toBe(30);
  for (let k = 0; k < 10; k += 1) {
    expect([...own].filter((key) => key.startsWith(`${k} `))).toHaveLength(3);
  }
  const others = labelledDigits(pool, { perClass: 3, length: 100, seed: 1 });
  expect(Array.from({ length: 30 }, (_, i) => own.has(keyOf(others, i)))).toContain(false);
});
