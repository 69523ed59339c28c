// manifest.json: the list of the files of a run folder that belong together, with the size and the hash of each.

import { isRecord } from '../core/check.ts';
import { CheckpointError, expected, show } from '../core/errors.ts';
import { parseStrictJson } from '../checkpoints/strictJson.ts';
import { sha256 } from './hash.ts';

/** The name of the file that lists a set. */
export const manifestName = 'manifest.json';

/** A longer manifest is refused before it is read: 100,000 files have one of this length. */
export const maxManifestBytes = 2 ** 24;

/** The version of the manifest's form that this library writes; it reads this one and older ones. */
const manifestVersion = 1;

/**
 * The content of a manifest.
 *
 * @property files  size and SHA-256 by name
 * @property info   data of the writer about the set, for example step and epoch
 */
export interface Manifest {
  schemaVersion: number;
  files: Map<string, { bytes: number; sha256: string }>;
  info: Record<string, unknown>;
}

/** The entry of a file's content. */
export function manifestEntry(content: Uint8Array): { bytes: number; sha256: string } {
  return { bytes: content.byteLength, sha256: sha256(content) };
}

/** The text of a manifest, names sorted: the same set gives the same text. */
export function formatManifest({ files, info }: Omit<Manifest, 'schemaVersion'>): string {
  const sorted = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
  const lines = sorted.map(
    ([name, entry]) => `    ${JSON.stringify(name)}: ${JSON.stringify(entry)}`,
  );
  const listed = lines.length === 0 ? '{}' : `{\n${lines.join(',\n')}\n  }`;
  return (
    `{\n  "schemaVersion": ${manifestVersion},\n  "info": ${JSON.stringify(info)},\n` +
    `  "files": ${listed}\n}\n`
  );
}

/**
 * Parses a manifest.
 *
 * @param path  how errors call it
 * @throws CheckpointError if it is no manifest, or one of a newer version
 */
export function parseManifest(text: string, path: string): Manifest {
  const root = parseStrictJson(text, { name: show(path) });
  if (!(root instanceof Map)) throw new CheckpointError(expected('a manifest', path, text));
  const schemaVersion = root.get('schemaVersion');
  if (typeof schemaVersion !== 'number' || schemaVersion < 1) {
    throw new CheckpointError(expected('a version ≥ 1', `schemaVersion in ${path}`, schemaVersion));
  }
  if (schemaVersion > manifestVersion) {
    const remedy = 'It was written by a newer release: update this one.';
    const what = `a version up to ${manifestVersion}`;
    throw new CheckpointError(expected(what, `schemaVersion in ${path}`, schemaVersion, remedy));
  }
  const files: Manifest['files'] = new Map();
  const listed = root.get('files');
  if (!(listed instanceof Map))
    throw new CheckpointError(expected('a list of files', path, listed));
  for (const [name, entry] of listed) {
    const bytes = entry instanceof Map ? entry.get('bytes') : undefined;
    const digest = entry instanceof Map ? entry.get('sha256') : undefined;
    if (typeof bytes !== 'number' || typeof digest !== 'string' || !/^[0-9a-f]{64}$/.test(digest)) {
      throw new CheckpointError(
        expected(`bytes and sha256 of ${show(name)}`, path, 'something else'),
      );
    }
    files.set(name, { bytes, sha256: digest });
  }
  const { info } = JSON.parse(text) as { info?: unknown };
  return { schemaVersion, files, info: isRecord(info) ? info : {} };
}

/**
 * Whether a text is the manifest.json of another program, such as a web page's: JSON that says nothing of what a manifest has to. A
 * manifest of ours with one flipped bit still says the rest.
 */
export function isForeignManifest(text: string): boolean {
  try {
    const root = JSON.parse(text) as unknown;
    return !isRecord(root) || !['schemaVersion', 'files', 'info'].some((key) => key in root);
  } catch {
    return false;
  }
}

/** Throws a CheckpointError naming the file unless its bytes are those of the manifest. */
export function assertListed(
  manifest: Manifest,
  name: string,
  content: Uint8Array,
  path: string,
): void {
  const entry = manifest.files.get(name);
  if (entry === undefined) {
    throw new CheckpointError(
      `Expected ${show(name)} to be listed in the manifest beside ${show(path)}.`,
    );
  }
  if (content.byteLength !== entry.bytes) {
    const remedy = 'The file is damaged or was replaced: use another copy.';
    throw new CheckpointError(expected(`${entry.bytes} bytes`, path, content.byteLength, remedy));
  }
  const digest = sha256(content);
  if (digest !== entry.sha256) {
    const remedy = 'The file is damaged or was changed: use another copy.';
    throw new CheckpointError(expected(`SHA-256 ${entry.sha256}`, path, digest, remedy));
  }
}
