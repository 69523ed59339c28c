import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

interface Verdict {
  ok: boolean;
  text: string;
}
const script = '../scripts/checkCommit.mjs';
let subjectFindings: (subject: string) => string[];
let checkNewestCommit: (folder: string) => Verdict;
beforeAll(async () => {
  ({ subjectFindings, checkNewestCommit } = (await import(script)) as {
    subjectFindings: (subject: string) => string[];
    checkNewestCommit: (folder: string) => Verdict;
  });
  // A git hook that runs the tests names its own repository to every git below it.
  for (const name of Object.keys(process.env))
    if (name.startsWith('GIT_')) delete process.env[name];
});
const withoutGit = spawnSync('git', ['--version']).status !== 0;

describe('a commit subject', () => {
  test.each([
    'Add a registry of data sets',
    'Read U16, U32 and U64 from safetensors',
    'Pass the context to every layer', // -ss is no third person
    'Focus the error on the first wrong name',
    'Embed the font in a figure',
    'Bring the changelog up to date',
    'Re-run the first step',
    'Revert "A subject that git made of another one, and that is longer than anybody would write by hand"',
    `Fix ${'x'.repeat(68)}`, // 72
  ])('"%s" is fine', (subject) => {
    expect(subjectFindings(subject)).toEqual([]);
  });

  test.each([
    ['Adds a registry', /imperative/],
    ['Added a registry', /imperative/],
    ['Adding a registry', /imperative/],
    ['What is fetched ahead has one name', /imperative/],
    ['The registry of data sets', /imperative/],
    ['bench:cost: noise counts once', /begin with a verb/],
    ['add a registry', /begin with a verb/],
    ['', /begin with a verb/],
    ['Add a registry.', /period/],
    ['Add a registry; remove the switch', /two changes/],
    [`Fix ${'x'.repeat(69)}`, /73 characters/],
    [`Fix ${'é'.repeat(69)}`, /73 characters/],
  ])('"%s" is not', (subject, reason) => {
    expect(subjectFindings(subject).join('\n')).toMatch(reason);
  });

  test('breaks several rules at once, and each is named', () => {
    expect(subjectFindings('Adds a; b.')).toHaveLength(3);
  });
});

(withoutGit ? describe.skip : describe)('the newest commit', () => {
  let folder: string;
  const git = (...args: string[]) => {
    const settings = ['user.name=Test', 'user.email=test@example.org', 'commit.gpgsign=false'];
    execFileSync('git', [...settings.flatMap((setting) => ['-c', setting]), ...args], {
      cwd: folder,
      stdio: 'pipe',
    });
  };
  const commit = (subject: string) => git('commit', '--allow-empty', '--no-verify', '-m', subject);

  beforeEach(() => {
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'check-commit-'));
  });
  afterEach(() => fs.rmSync(folder, { recursive: true }));

  test('is judged alone, not its history', () => {
    git('init', '-b', 'main');
    commit('Added something.');
    expect(checkNewestCommit(folder)).toMatchObject({ ok: false });
    commit('Fix the subject');
    expect(checkNewestCommit(folder)).toEqual({
      ok: true,
      text: 'Commit subject: Fix the subject',
    });
  });

  test('passes if it is a merge', () => {
    git('init', '-b', 'main');
    commit('Add one');
    git('checkout', '-b', 'side');
    commit('Add two');
    git('checkout', 'main');
    commit('Add three');
    git('merge', '--no-ff', '-m', 'merges side.', 'side');
    expect(checkNewestCommit(folder)).toMatchObject({
      ok: true,
      text: expect.stringMatching(/merge/) as string,
    });
  });

  test('passes, and says why, where there is none', () => {
    expect(checkNewestCommit(folder)).toMatchObject({
      ok: true,
      text: expect.stringMatching(/No git repository/) as string,
    });
    git('init', '-b', 'main');
    expect(checkNewestCommit(folder)).toMatchObject({
      ok: true,
      text: expect.stringMatching(/No commit yet/) as string,
    });
  });

  test('is not judged in an unpacked tarball inside another repository', () => {
    git('init', '-b', 'main');
    commit('Added something.');
    const inside = path.join(folder, 'tfjs-vit');
    fs.mkdirSync(inside);
    expect(checkNewestCommit(inside)).toMatchObject({
      ok: true,
      text: expect.stringMatching(/No git repository/) as string,
    });
  });
});
