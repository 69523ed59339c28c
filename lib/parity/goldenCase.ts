// A golden case: a folder with case.json, the inputs of a computation and the results of the reference implementation.

import { lstatSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { isRecord } from '../core/check.ts';
import { InputError, IoError, expected, messageOf, show } from '../core/errors.ts';
import { decodeUtf8 } from '../core/utf8.ts';
import { ioError } from '../io/ioError.ts';
import { parsePath } from './jsonPath.ts';
import type { PathStep } from './jsonPath.ts';

/** The only format this build reads. */
const goldenSchema = 'vit-goldens/2';

/** Elements that are left out of a comparison: from ≤ i < to along the axis. */
export interface Exclusion {
  axis: number;
  from: number;
  to: number;
}

/** One comparison of a case: a tensor of a file, the values of a JSON path, a picture, or the loading of a file. */
export type CompareEntry =
  | {
      kind: 'tensor';
      file: string;
      tensor: string;
      atol: number;
      rtol: number;
      exclude: Exclusion[];
      optional: boolean;
    }
  | {
      kind: 'json';
      file: string;
      json: string;
      steps: PathStep[];
      atol: number;
      rtol: number;
      optional: boolean;
    }
  | { kind: 'image'; file: string; atol: number; optional: boolean }
  | {
      kind: 'expect';
      file: string;
      expect: 'load' | 'refuse' | 'either';
      into: 'config' | undefined;
    };

/** An entry that is compared with something computed. */
export type ComputedEntry = Exclude<CompareEntry, { kind: 'expect' }>;

/**
 * One case as read from its folder.
 *
 * @property name    `family/case`, as reports call it
 * @property config  options under the reference's names; an empty object when the case has none
 * @property load    checkpoints: the file or folder to load
 * @property compare the contract, in the order of the file
 */
export interface GoldenCase {
  folder: string;
  name: string;
  family: string;
  case: string;
  config: Record<string, unknown>;
  load: string | undefined;
  compare: CompareEntry[];
}

/**
 * Reads and checks `case.json` of a folder, and that every file it compares is there.
 *
 * @throws IoError if a file is missing or cannot be read
 * @throws InputError if case.json is not JSON, of another schema, or has an entry of no known rule
 */
export function readCase(folder: string): GoldenCase {
  const golden = parseCase(readJson(path.join(folder, 'case.json')), folder);
  for (const { file } of golden.compare) assertFile(path.join(folder, file));
  return golden;
}

/** Builds a case from the parsed case.json. @throws InputError naming the folder and the key */
function parseCase(value: unknown, folder: string): GoldenCase {
  const where = path.join(folder, 'case.json');
  const data = asRecord(value, where);
  if (data['schema'] !== goldenSchema) {
    throw new InputError(
      expected(JSON.stringify(goldenSchema), `schema of ${where}`, data['schema']),
    );
  }
  const family = asName(data['family'], `family of ${where}`);
  const caseName = asName(data['case'], `case of ${where}`);
  const { compare, config, load } = data;
  if (!Array.isArray(compare) || compare.length === 0) {
    throw new InputError(
      expected('a list with at least one entry', `compare of ${where}`, compare),
    );
  }
  return {
    folder,
    name: `${family}/${caseName}`,
    family,
    case: caseName,
    config: config === undefined ? {} : asRecord(config, `config of ${where}`),
    load: load === undefined ? undefined : asFileName(load, `load of ${where}`),
    compare: compare.map((entry, i) => parseEntry(entry, `compare[${i}] of ${where}`)),
  };
}

/** The file and what is compared in it, as a report names it: `outputs.safetensors:logits`. */
export function entryName(entry: CompareEntry): string {
  switch (entry.kind) {
    case 'tensor':
      return `${entry.file}:${entry.tensor}`;
    case 'json':
      return `${entry.file}:${entry.json}`;
    case 'image':
      return `${entry.file}:image`;
    case 'expect':
      return `${entry.file}:${entry.expect}`;
  }
}

/** A longer JSON file of a case is refused before it is read. */
const maxJsonBytes = 2 ** 26;

/** The parsed content of a JSON file of a case. @throws IoError, InputError, CheckpointError naming the path */
export function readJson(file: string): unknown {
  const text = decodeUtf8(readBytes(file, { maxBytes: maxJsonBytes }), file);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new InputError(expected('JSON', file, messageOf(error)));
  }
}

/** The bytes of a file of a case, at most 8 GiB by default. @throws IoError naming the path */
export function readBytes(file: string, { maxBytes = 2 ** 33 } = {}): Uint8Array {
  assertFile(file, maxBytes);
  try {
    const { buffer, byteOffset, byteLength } = readFileSync(file);
    return new Uint8Array(buffer, byteOffset, byteLength);
  } catch (error) {
    throw ioError('read', file, error);
  }
}

function assertFile(file: string, maxBytes = Infinity): void {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (stat === undefined) {
    const dangling = lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true;
    throw new IoError(
      `Expected the file ${show(file)}, received ${dangling ? 'a link to nothing' : 'none'}. Fetch the case again.`,
    );
  }
  if (!stat.isFile())
    throw new IoError(`Expected a file at ${show(file)}, received something else.`);
  if (stat.size > maxBytes) {
    throw new IoError(expected(`at most ${maxBytes} bytes`, show(file), stat.size));
  }
}

function parseEntry(value: unknown, where: string): CompareEntry {
  const entry = asRecord(value, where);
  const file = asFileName(entry['file'], `file in ${where}`);
  const optional = asBoolean(entry['optional'] ?? false, `optional in ${where}`);
  if ('tensor' in entry) {
    onlyKeys(entry, ['file', 'tensor', 'atol', 'rtol', 'exclude', 'optional'], where);
    return {
      kind: 'tensor',
      file,
      tensor: asText(entry['tensor'], `tensor in ${where}`),
      atol: tolerance(entry, 'atol', where),
      rtol: tolerance(entry, 'rtol', where),
      exclude: exclusions(entry['exclude'], `exclude in ${where}`),
      optional,
    };
  }
  if ('json' in entry) {
    onlyKeys(entry, ['file', 'json', 'atol', 'rtol', 'optional'], where);
    const json = asText(entry['json'], `json in ${where}`);
    const [atol, rtol] = [tolerance(entry, 'atol', where), tolerance(entry, 'rtol', where)];
    return { kind: 'json', file, json, steps: parsePath(json), atol, rtol, optional };
  }
  if ('expect' in entry) {
    onlyKeys(entry, ['file', 'expect', 'into'], where);
    const { expect, into } = entry;
    if (expect !== 'load' && expect !== 'refuse' && expect !== 'either') {
      throw new InputError(expected('load, refuse or either', `expect in ${where}`, expect));
    }
    if (into !== undefined && into !== 'config') {
      throw new InputError(expected('"config"', `into in ${where}`, into));
    }
    return { kind: 'expect', file, expect, into };
  }
  if (entry['image'] === true) {
    onlyKeys(entry, ['file', 'image', 'atol', 'optional'], where);
    return { kind: 'image', file, atol: tolerance(entry, 'atol', where), optional };
  }
  throw new InputError(
    expected(
      'an entry with tensor, json, image or expect',
      where,
      entry,
      'A newer build may read it.',
    ),
  );
}

function exclusions(value: unknown, where: string): Exclusion[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new InputError(expected('a list', where, value));
  return value.map((item) => {
    const range = asRecord(item, where);
    onlyKeys(range, ['axis', 'from', 'to'], where);
    const { axis, from, to } = range;
    const whole = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;
    if (!whole(axis) || !whole(from) || !whole(to) || from > to) {
      throw new InputError(expected('axis ≥ 0 and 0 ≤ from ≤ to', where, item));
    }
    return { axis, from, to };
  });
}

function tolerance(entry: Record<string, unknown>, key: 'atol' | 'rtol', where: string): number {
  const value = entry[key] ?? 0;
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw new InputError(expected('a finite number ≥ 0', `${key} in ${where}`, value));
  }
  return value;
}

function onlyKeys(entry: Record<string, unknown>, known: readonly string[], where: string): void {
  const unknown = Object.keys(entry).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new InputError(
      expected(`only ${known.join(', ')}`, where, unknown, 'A newer build may read it.'),
    );
  }
}

function asRecord(value: unknown, where: string): Record<string, unknown> {
  if (!isRecord(value)) {
    throw new InputError(expected('an object', where, value));
  }
  return value;
}

function asText(value: unknown, where: string): string {
  if (typeof value !== 'string') throw new InputError(expected('a text', where, value));
  return value;
}

function asName(value: unknown, where: string): string {
  const text = asText(value, where);
  if (!/^[\w.@+-]+$/u.test(text)) {
    throw new InputError(expected('letters, digits, . @ + - and _', where, text));
  }
  return text;
}

// A case must not make the reader open files elsewhere.
function asFileName(value: unknown, where: string): string {
  const text = asText(value, where);
  const parts = text.split('/');
  if (text === '' || path.isAbsolute(text) || text.includes('\\') || parts.includes('..')) {
    throw new InputError(expected('a relative path inside the case', where, text));
  }
  return text;
}

function asBoolean(value: unknown, where: string): boolean {
  if (typeof value !== 'boolean') throw new InputError(expected('true or false', where, value));
  return value;
}
