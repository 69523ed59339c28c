// The tokenizers of CLIP on the disk: OpenAI's vocabulary, which ships with the package, and those of folders.

import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { IoError, InputError, expected, messageOf, show } from '../core/errors.ts';
import { assertKind } from '../core/kinds.ts';
import { decodeUtf8 } from '../core/utf8.ts';
import { ClipTokenizer } from '../tokenizers/clipTokenizer.ts';
import { ioError } from './ioError.ts';

const shipped = 'data/clip/bpe_simple_vocab_16e6.txt.gz';

// The largest vocabularies have a few megabytes; what a gzip file says of its size is not believed.
const mostBytes = 2 ** 26;

let openAi: ClipTokenizer | undefined;

/**
 * The tokenizer of CLIP: OpenAI's, or that of a folder with vocab.json and merges.txt, as Hugging Face has them.
 *
 * @param folder  where none of the two files is there, OpenAI's is taken
 * @throws IoError, InputError naming the file that cannot be used
 *
 * @example const tokenizer = await clipTokenizer('checkpoints/scenes-clip');
 */
export function clipTokenizer(folder?: string): Promise<ClipTokenizer> {
  return Promise.resolve().then(() => {
    assertKind('folder', folder, 'text?');
    if (folder === undefined) return shippedTokenizer();
    const own = ['vocab.json', 'merges.txt'].map((name) => path.join(folder, name));
    const missing = own.filter((file) => !existsSync(file));
    if (missing.length === 2) return shippedTokenizer();
    if (missing.length === 1) throw new IoError(`Expected the file ${show(missing[0])} beside the other, received none.`); // prettier-ignore
    const [vocabulary, merges] = own.map(textOf) as [string, string];
    return ClipTokenizer.fromHuggingFace(parsed(vocabulary, own[0]!), merges);
  });
}

/** OpenAI's vocabulary, which the package ships, unpacked once a process. */
function shippedTokenizer(): ClipTokenizer {
  openAi ??= ClipTokenizer.fromMerges(unpacked(shippedFile()));
  return openAi;
}

// From lib/io in a checkout, from dist/lib/io when installed.
function shippedFile(): string {
  for (const up of ['../../', '../../../']) {
    const file = fileURLToPath(new URL(up + shipped, import.meta.url));
    if (existsSync(file)) return file;
  }
  throw new IoError(`Cannot find ${shipped} beside the program. Install tfjs-vit again.`);
}

/** The text of a gzipped vocabulary. @throws IoError, InputError naming the file */
export function unpacked(file: string): string {
  const bytes = bytesOf(file);
  try {
    return decodeUtf8(gunzipSync(bytes, { maxOutputLength: mostBytes }), file);
  } catch (error) {
    throw new InputError(expected('a gzipped text', file, messageOf(error)));
  }
}

function textOf(file: string): string {
  return decodeUtf8(bytesOf(file), file);
}

function bytesOf(file: string): Uint8Array {
  try {
    const { size } = statSync(file);
    if (size > mostBytes) throw new InputError(expected(`at most ${mostBytes} bytes`, file, size));
    return readFileSync(file);
  } catch (error) {
    throw error instanceof InputError ? error : ioError('read', file, error);
  }
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new InputError(expected('JSON', file, messageOf(error)));
  }
}
