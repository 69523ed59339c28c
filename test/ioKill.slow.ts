import { killRounds } from './support/killRounds.ts';

test('after 200 kills at random moments a whole set is there', async () => {
  const { findings, commits } = await killRounds(200, 2);
  expect(findings).toEqual([]);
  expect(commits).toBeGreaterThan(200);
}, 600_000);
