// CLIP's tokenizer. The goldens of `parity` hold its tokens against OpenCLIP's and Hugging Face's; here are its edges.

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { VitError } from '../lib/core/errors.ts';
import { clipTokenizer } from '../lib/io/clipTokenizer.ts';
import { learnMerges, parseMerges } from '../lib/tokenizers/bytePairs.ts';
import { cleanAsOpenAi, unescapeHtml } from '../lib/tokenizers/cleanText.ts';
import { ClipTokenizer } from '../lib/tokenizers/clipTokenizer.ts';

const goldens = path.join(import.meta.dirname, 'goldens/encoders');
const vocabulary = path.join(import.meta.dirname, '../data/clip/bpe_simple_vocab_16e6.txt.gz');

interface GoldenText {
  text: string;
  hf_ids: number[];
  open_clip_ids: number[];
  open_clip_decoded: string;
  same: boolean;
}

const small = () => ClipTokenizer.learn(['a red circle and a blue 7', 'a red star']);

describe('the vocabulary of OpenAI', () => {
  test('is the file that OpenAI published, with its licence', () => {
    const hash = createHash('sha256').update(fs.readFileSync(vocabulary)).digest('hex');
    expect(hash).toBe('924691ac288e54409236115652ad4aa250f48203de50a9e4722a6ecd48d6804a');
    expect(fs.readFileSync(path.join(vocabulary, '../LICENSE'), 'utf8')).toMatch(/OpenAI/);
  });

  test('gives the tokens of the goldens', async () => {
    const tokenizer = await clipTokenizer();
    expect([tokenizer.vocabSize, tokenizer.startId, tokenizer.endId]).toEqual([49_408, 49_406, 49_407]); // prettier-ignore
    const file = path.join(goldens, 'clip-tokenizer-full/tokens.json');
    const rows = JSON.parse(fs.readFileSync(file, 'utf8')) as GoldenText[];
    for (const {
      text,
      hf_ids: ids,
      open_clip_ids: own,
      open_clip_decoded: decoded,
      same,
    } of rows) {
      expect([tokenizer.startId, ...tokenizer.encode(text, { rules: 'hf' }), tokenizer.endId]).toEqual(ids); // prettier-ignore
      // OpenAI repairs text that was decoded by a wrong table, which we do not; OpenCLIP splits its own marks.
      if (same || !/mojibake|startoftext/.test(text)) expect(tokenizer.encode(text)).toEqual(own);
      expect(tokenizer.decode(own)).toBe(decoded);
    }
  });
});

describe('texts of any kind', () => {
  const tokenizer = small();

  test.each([
    ['nothing', ''],
    ['spaces', ' \n\t '],
    ['emoji', '👨‍👩‍👧 👍🏽'],
    ['a lone surrogate', 'a \ud83d b'],
    ['a byte of zero', 'a\u0000b'],
    ['ten thousand words', 'circle '.repeat(10_000)],
    ['one long word', 'ab'.repeat(20_000)],
  ])('%s is a row of the length that was asked for', (_, text) => {
    for (const rules of ['openai', 'hf'] as const) {
      const [row] = tokenizer.encodeAll([text], { length: 12, rules });
      expect(row).toHaveLength(12);
      expect(row![0]).toBe(tokenizer.startId);
      expect(row).toContain(tokenizer.endId);
      expect(row!.every((id) => id >= 0 && id < tokenizer.vocabSize)).toBe(true);
    }
  });

  test('a lone surrogate is the replacement character', () => {
    expect(tokenizer.encode('a \ud83d b')).toEqual(tokenizer.encode('a \ufffd b'));
    expect(tokenizer.decode(tokenizer.encode('\ud83d'))).toBe('\ufffd ');
  });

  test('a text that is cut is told', () => {
    const notes: string[] = [];
    const onNote = (text: string) => void notes.push(text);
    const [short, long] = tokenizer.encodeAll(['a star', 'a red star and a star'], { length: 6, onNote }); // prettier-ignore
    expect(notes).toEqual(['Text 2 of 2 has 8 tokens and is cut to 6.']);
    expect(long!.at(-1)).toBe(tokenizer.endId);
    expect(short!.slice(4)).toEqual([0, 0]);
    expect(tokenizer.encodeAll(['a'], { length: 4, rules: 'hf' })[0]!.slice(2)).toEqual([tokenizer.endId, tokenizer.endId]); // prettier-ignore
  });

  test.each<[string, () => unknown, RegExp]>([
    ['no texts', () => tokenizer.encodeAll([]), /at least one text/],
    ['a number', () => tokenizer.encode(5 as never), /a text for a text, received 5/],
    ['other rules', () => tokenizer.encode('a', { rules: 'gpt' as never }), /one of openai, hf/],
    ['too many characters', () => tokenizer.encode('a'.repeat(1_000_001)), /at most 1000000/],
    ['a length of 1', () => tokenizer.encodeAll(['a'], { length: 1 }), /length/],
    ['a token that is none', () => tokenizer.decode([1e6]), /a token/],
    ['merges that are none', () => parseMerges('#version: 0.2\na b\nabc'), /two pieces .* line 3/],
    ['a vocabulary with a gap', () => ClipTokenizer.fromHuggingFace({ a: 1 }, ''), /0 … 0|from 0|number of a/], // prettier-ignore
    [
      'a vocabulary without bytes',
      () => ClipTokenizer.fromHuggingFace({ a: 0 }, ''),
      /startoftext/,
    ],
    ['a token twice', () => new ClipTokenizer(['a', 'a'], []), /every token once/],
  ])('%s is refused in one sentence', (_, call, message) => {
    expect(call).toThrow(message);
    expect(call).toThrow(VitError);
  });
});

describe('learned merges', () => {
  test('make every word whole, the most frequent pair first', () => {
    const tokenizer = small();
    expect(tokenizer.encode('a blue circle').map((id) => tokenizer.tokens[id])).toEqual(['a</w>', 'blue</w>', 'circle</w>']); // prettier-ignore
    expect(learnMerges(new Map([['ab', 2], ['cb', 1]]), 9)).toEqual(['a b</w>', 'c b</w>']); // prettier-ignore
    expect(learnMerges(new Map([['ab', 1]]), 0)).toEqual([]);
  });

  test('are read back from a folder', async () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tokenizer-'));
    const { tokens, merges } = small();
    const vocab = Object.fromEntries(tokens.map((token, id) => [token, id]));
    fs.writeFileSync(path.join(folder, 'vocab.json'), JSON.stringify(vocab));
    await expect(clipTokenizer(folder)).rejects.toThrow(/beside the other/);
    fs.writeFileSync(path.join(folder, 'merges.txt'), ['#version: 0.2', ...merges, ''].join('\n'));
    expect((await clipTokenizer(folder)).encode('a red 7')).toEqual(small().encode('a red 7'));
    fs.writeFileSync(path.join(folder, 'vocab.json'), '{');
    await expect(clipTokenizer(folder)).rejects.toThrow(/JSON/);
    fs.rmSync(folder, { recursive: true });
  });
});

test('cleaning takes HTML, ligatures, wide letters and curly quotes apart', () => {
  expect(cleanAsOpenAi(' ﬁ “１” &amp;lt; \u0007A\u00a0B ')).toBe('fi "1" < a b');
  expect(unescapeHtml('&#x41;&#0;&unknown;&#xd800;')).toBe('A\ufffd&unknown;\ufffd');
});
