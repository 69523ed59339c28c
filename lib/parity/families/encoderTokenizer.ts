// CLIP's tokenizer of family encoders: texts as tokens, by Hugging Face's rules and by OpenAI's.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { clipTokenizer } from '../../io/clipTokenizer.ts';
import { Produced } from '../family.ts';
import { readJson } from '../goldenCase.ts';
import type { ClipTokenizer } from '../../tokenizers/clipTokenizer.ts';
import type { GoldenCase } from '../goldenCase.ts';
import type { EncoderRunner } from './encoderRunner.ts';

const file = 'tokens.json';

/** The tokenizer of a case's folder, or OpenAI's, which the library ships. */
export const encoderTokenizer: EncoderRunner = {
  matches: (config) => Object.keys(config).length === 0,
  plan: (golden) => ({
    unsupported: ({ kind }) => (kind === 'json' ? undefined : 'only tokens are compared'),
    bf16Rule: () => ({ kind: 'stored' }),
    run: async () => {
      const folder = path.join(golden.folder, 'tokenizer');
      const tokenizer = await clipTokenizer(existsSync(folder) ? folder : undefined);
      const produced = new Produced();
      produced.json.set(file, textsOf(golden).map((text) => tokensOf(tokenizer, text))); // prettier-ignore
      return produced;
    },
  }),
};

function textsOf(golden: GoldenCase): string[] {
  const rows = readJson(path.join(golden.folder, file)) as { text: string }[];
  return rows.map(({ text }) => text);
}

function tokensOf(tokenizer: ClipTokenizer, text: string): Record<string, unknown> {
  const { startId, endId, tokens } = tokenizer;
  const ids = [startId, ...tokenizer.encode(text, { rules: 'hf' }), endId];
  const own = tokenizer.encode(text);
  return {
    text,
    hf_ids: ids,
    hf_tokens: ids.map((id) => tokens[id]),
    hf_padded_77: tokenizer.encodeAll([text], { rules: 'hf' })[0],
    open_clip_ids: own,
    open_clip_77: tokenizer.encodeAll([text])[0],
    open_clip_decoded: tokenizer.decode(own),
  };
}
