// Checks the subject of the newest commit against the rules of CONTRIBUTING.md: `npm run check:commit`.
//
// A script cannot tell a verb from a noun, so it refuses only first words that cannot be imperative. History before the newest
// commit is not judged, and merge commits are skipped.

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';

const MAX_LENGTH = 72;
const imperatives = new Set(
  [
    ['Alias', 'Bias', 'Canvas', 'Focus'], // end in -s
    ['Bleed', 'Breed', 'Embed', 'Exceed', 'Feed', 'Heed', 'Need', 'Proceed'], // end in -ed
    ['Seed', 'Shed', 'Shred', 'Speed', 'Succeed', 'Weed'],
    ['Bring', 'Cling', 'Fling', 'Ping', 'Ring', 'Sing', 'Spring', 'String', 'Swing'], // end in -ing
  ].flat(),
);
const otherWords = new Set(
  [
    [
      'A',
      'An',
      'The',
      'This',
      'That',
      'These',
      'Those',
      'It',
      'We',
      'No',
      'Some',
      'Every',
      'All',
      'Each',
    ],
    ['What', 'Which', 'Who', 'When', 'Where', 'Why', 'How', 'If', 'And', 'Or', 'But', 'Also'],
    ['As', 'At', 'By', 'For', 'From', 'In', 'Of', 'On', 'To', 'Under', 'With', 'Without'],
    ['Am', 'Are', 'Did', 'Gave', 'Got', 'Had', 'Made', 'Ran', 'Took', 'Was', 'Were', 'Wrote'],
  ].flat(),
);

/** The rules that a subject breaks, a sentence each; empty if it keeps them all. */
export function subjectFindings(subject) {
  if (/^Revert "/.test(subject)) return [];
  const findings = [];
  const [word = ''] = subject.split(' ');
  if (!/^[A-Z][A-Za-z]*(-[a-z]+)*$/.test(word)) {
    findings.push(`begins with "${word}": begin with a verb and a capital letter, no prefix.`);
  } else if (!isImperative(word)) {
    findings.push(`begins with "${word}": write the imperative, as in "Add", "Fix", "Read".`);
  }
  const { length } = [...subject];
  if (length > MAX_LENGTH) {
    findings.push(
      `has ${length} characters: at most ${MAX_LENGTH}, figures and reasons in the body.`,
    );
  }
  if (subject.endsWith('.')) findings.push('ends with a period: leave it out.');
  if (subject.includes('; ')) findings.push('joins two changes by "; ": one concern a commit.');
  return findings;
}

/**
 * Checks the subject of the newest commit of a checkout.
 *
 * @returns `ok` is false if the subject breaks a rule, and true where nothing is to be judged
 */
export function checkNewestCommit(folder) {
  const git = (...args) => spawnSync('git', args, { cwd: folder, encoding: 'utf8' });
  const top = git('rev-parse', '--show-toplevel');
  if (top.status !== 0 || !samePath(top.stdout.trim(), folder)) {
    return { ok: true, text: 'No git repository here: the commit subject is not checked.' };
  }
  const commit = git('log', '-1', '--format=%P%n%s');
  if (commit.status !== 0) return { ok: true, text: 'No commit yet: nothing to check.' };
  const [parents, subject] = commit.stdout.split('\n');
  if (parents.split(' ').length > 1) {
    return { ok: true, text: 'The newest commit is a merge: its subject is not checked.' };
  }
  const findings = subjectFindings(subject);
  if (findings.length === 0) return { ok: true, text: `Commit subject: ${subject}` };
  const lines = findings.map((finding) => `  It ${finding}`);
  const advice = 'Change it with `git commit --amend` (rules: CONTRIBUTING.md).';
  return { ok: false, text: [`Commit subject: ${subject}`, ...lines, advice].join('\n') };
}

function isImperative(word) {
  if (otherWords.has(word)) return false;
  return imperatives.has(word) || !/([^s]s|ed|ing)$/.test(word);
}

function samePath(a, b) {
  return fs.realpathSync(a) === fs.realpathSync(b);
}

if (process.argv[1] && path.resolve(process.argv[1]) === import.meta.filename) {
  const { ok, text } = checkNewestCommit(path.resolve(import.meta.dirname, '..'));
  if (ok) console.log(text);
  else console.error(text);
  process.exitCode = ok ? 0 : 1;
}
