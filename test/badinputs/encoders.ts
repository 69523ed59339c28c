// B84, B91: thresholds of detections, and texts for CLIP.

import { clipTokenizer } from '../../lib/node.ts';
import { root, runNode } from '../suites/command.ts';
import { assertRefused } from '../suites/expect.ts';
import { gives, throws } from '../suites/inProcess.ts';
import { applied, cases, must } from '../suites/row.ts';
import type { Row } from '../suites/row.ts';

/** A script of `examples` that has to refuse its words: one line, exit code 2. */
const scriptRefuses =
  (what: string, message: RegExp, script: string, words: readonly string[]) => (id: string) =>
    applied(id, what, `exit 2, one line: ${message.source}`, async (place) => {
      const file = `${root}examples/${script}`;
      const given = ['--import', 'tsx', file, ...words, '--output', place.path('outputs')];
      const ran = await runNode(given, { cwd: root });
      return assertRefused(ran, message);
    });

const reads = (what: string, texts: readonly string[], check: (rows: number[][]) => string) =>
  gives(what, 'rows of 77 tokens', async () => {
    const notes: string[] = [];
    const rows = (await clipTokenizer()).encodeAll(texts, { onNote: (text) => notes.push(text) });
    must(
      rows.every((row) => row.length === 77 && row.every((id) => id >= 0 && id < 49_408)),
      JSON.stringify(rows),
    );
    return [check(rows), ...notes].join('; ');
  });

/** The rows on inputs of encoders. */
export const encoderRows: readonly Row[] = [
  ...cases('B84', [
    ...['-1', '2', 'NaN', 'none', ''].map((value) =>
      scriptRefuses(
        `--threshold ${value === '' ? 'with an empty value' : value}`,
        /threshold/,
        'detr.ts',
        [`--threshold=${value}`],
      ),
    ),
  ]),
  ...cases('B91', [
    throws('no prompts', /at least one text/, async () => (await clipTokenizer()).encodeAll([])),
    throws('a prompt that is no text', /text/, async () =>
      (await clipTokenizer()).encodeAll([5 as never]),
    ),
    throws('a prompt of two million letters', /1000000 characters/, async () =>
      (await clipTokenizer()).encode('a'.repeat(2e6)),
    ),
    reads('an empty prompt: start and end', [''], ([row]) => {
      must(row!.filter((id) => id !== 0).length === 2, row!.join());
      return 'start, end';
    }),
    reads('10⁴ words: cut, the end stays, said', ['cat '.repeat(1e4)], ([row]) => {
      must(row![76] === 49_407, `${row![76]} at the end`);
      return 'cut';
    }),
    reads('emoji and joined emoji', ['🐱', '👩‍👩‍👧‍👦'], (rows) => {
      must(
        rows.every((row) => row.filter((id) => id !== 0).length > 2),
        'nothing of them',
      );
      return 'bytes';
    }),
    reads('a lone surrogate', ['a \ud800 b'], () => 'replaced'),
    reads('control characters and a byte order mark', ['\u0000\u001b[31m\ufeffcat'], () => 'read'),
  ]),
];
