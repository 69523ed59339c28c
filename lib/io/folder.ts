// The run folder: named files on a disk. Each is replaced as a whole, and a set of them through the journal of journal.ts.

import { assertFields, assertKind } from '../core/kinds.ts';
import { join, resolve } from 'node:path';
import { CheckpointError, InputError, IoError, expected, show } from '../core/errors.ts';
import { decodeUtf8 } from '../core/utf8.ts';
import {
  bytesOf,
  makeFolder,
  readBytes,
  realDisk,
  syncFolder,
  writeAtomically,
  writeNew,
} from './disk.ts';
import { lockFolder } from './folderLock.ts';
import { errorCodeOf, ioError } from './ioError.ts';
import { commitFiles, findFile, rollForward } from './journal.ts';
import {
  assertListed,
  formatManifest,
  isForeignManifest,
  manifestEntry,
  manifestName,
  maxManifestBytes,
  parseManifest,
} from './manifest.ts';
import { isLeftover, releaseTemporary, temporaryName } from './temporary.ts';
import type { FileStore } from '../core/store.ts';
import type { Disk } from './disk.ts';
import type { Manifest } from './manifest.ts';

/**
 * The options of `openFolder`.
 *
 * @property create    true: make the folder, and those above it, if it is not there; default false
 * @property readOnly  true: nothing in the folder is touched, not even the leftovers of a crash; default false
 * @property lock      true: no other process may open the folder with a lock until `close()`; default false
 * @property disk      the file system; for tests
 */
export interface FolderOptions {
  create?: boolean;
  readOnly?: boolean;
  lock?: boolean;
  disk?: Disk;
}

/** A folder as a store of files. */
export interface Folder extends FileStore {
  /** Its absolute path. */
  readonly path: string;
  /** The manifest of the last commit; undefined before the first. @throws CheckpointError if it is damaged */
  manifest(): Promise<Manifest | undefined>;
  /**
   * The bytes of a file of the last commit, checked against its SHA-256.
   *
   * @throws CheckpointError if there is no manifest, or the file is missing, not listed, or differs
   */
  readChecked(name: string, options?: { maxBytes?: number | undefined }): Promise<Uint8Array>;
  /** Removes one file, from the manifest first. A folder of this name is refused, a link is removed and not its target. */
  remove(name: string): Promise<void>;
  /** The names that the manifest lists; none where it is damaged. */
  names(): Promise<string[]>;
  /** Waits for running writes and gives the lock back. */
  close(): Promise<void>;
}

/**
 * Opens a folder as a `FileStore` whose every write is whole or not at all, also across SIGKILL and power cuts.
 *
 * Opening finishes a commit that a crash interrupted, removes temporary files of earlier crashes, and checks that the folder can
 * be written, so that a run fails before its first epoch and not after it. With `readOnly` it does none of this.
 *
 * Names are plain: no separators, no leading dot. Writes of one store run one after the other, in the order of the calls.
 *
 * @throws IoError if the path is a file, is not there, cannot be written, or is locked by a running process
 *
 * @example
 * const store = await openFolder('runs/mnist', {create: true, lock: true});
 * await store.commit(new Map([['checkpoint.safetensors', bytes]]), {step: 100});
 * const bytesAgain = await store.readChecked('checkpoint.safetensors');
 */
export async function openFolder(path: string, options: FolderOptions = {}): Promise<Folder> {
  assertKind('folder', path, 'text');
  const kinds = { create: 'boolean?', readOnly: 'boolean?', lock: 'boolean?' } as const;
  assertFields('openFolder', options, kinds);
  const { create = false, readOnly = false, lock = false, disk = realDisk } = options;
  if (path === '' || path.includes('\0')) throw new InputError(expected('a path', 'folder', path));
  const folder = resolve(path);
  try {
    if (create && !readOnly) await makeFolder(folder, disk);
    if (!(await disk.stat(folder)).isDirectory())
      throw Object.assign(new Error(), { code: 'EEXIST' });
  } catch (error) {
    if (['EEXIST', 'ENOTDIR'].includes(errorCodeOf(error))) {
      throw new IoError(`Expected a folder at ${show(folder)}, found a file. Choose another path.`);
    }
    throw ioError('open', folder, error);
  }
  if (readOnly) return new DiskFolder(folder, disk, true);

  const release = lock ? await lockFolder(folder, disk) : undefined;
  const store = new DiskFolder(folder, disk, false, release);
  try {
    await store.recover();
  } catch (error) {
    await release?.();
    throw ioError('write into', folder, error);
  }
  return store;
}

class DiskFolder implements Folder {
  readonly path: string;
  readonly location: string;
  private readonly disk: Disk;
  private readonly readOnly: boolean;
  private readonly release: (() => Promise<void>) | undefined;
  private last: Promise<unknown> = Promise.resolve();

  constructor(path: string, disk: Disk, readOnly: boolean, release?: () => Promise<void>) {
    this.path = path;
    this.location = path;
    this.disk = disk;
    this.readOnly = readOnly;
    this.release = release;
  }

  async read(name: string, { maxBytes }: { maxBytes?: number } = {}): Promise<Uint8Array> {
    assertName(name);
    if (name === manifestName) return this.readAny(name, maxBytes);
    const manifest = await this.ownManifest();
    return manifest?.files.has(name) === true
      ? this.readChecked(name, { maxBytes })
      : this.readAny(name, maxBytes);
  }

  async has(name: string): Promise<boolean> {
    assertName(name);
    return (await this.find(name)) !== undefined;
  }

  async manifest(): Promise<Manifest | undefined> {
    const text = await this.manifestText();
    return text === undefined ? undefined : parseManifest(text, join(this.path, manifestName));
  }

  async readChecked(
    name: string,
    { maxBytes }: { maxBytes?: number | undefined } = {},
  ): Promise<Uint8Array> {
    assertName(name);
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.readListed(name, maxBytes);
      } catch (error) {
        // A commit of another process may have passed between reading the manifest and the file.
        if (!(error instanceof CheckpointError) || attempt === 2) throw error;
      }
    }
  }

  private async readListed(name: string, maxBytes?: number): Promise<Uint8Array> {
    const path = join(this.path, name);
    const manifest = await this.manifest();
    if (manifest === undefined) {
      throw new CheckpointError(
        `Expected ${manifestName} beside ${show(path)}: the set is incomplete.`,
      );
    }
    if (!(await this.has(name))) {
      throw new CheckpointError(
        `Expected ${show(path)}, which the manifest beside it belongs to: it is missing.`,
      );
    }
    const bytes = await this.readAny(name, maxBytes);
    assertListed(manifest, name, bytes, path);
    return bytes;
  }

  write(name: string, content: Uint8Array | string): Promise<void> {
    assertContentName(name);
    return this.inTurn(async () => {
      const manifest = await this.ownManifest();
      // The manifest must not be left describing bytes that are gone.
      if (manifest?.files.has(name) === true) {
        await this.commitNow(new Map([[name, content]]), manifest.info, manifest);
      } else {
        await writeAtomically(join(this.path, name), content, this.disk);
      }
    });
  }

  commit(
    files: ReadonlyMap<string, Uint8Array | string>,
    info: Record<string, unknown>,
  ): Promise<void> {
    for (const name of files.keys()) assertContentName(name);
    return this.inTurn(async () => this.commitNow(files, info, await this.manifestToExtend()));
  }

  remove(name: string): Promise<void> {
    assertContentName(name);
    return this.inTurn(async () => {
      const path = join(this.path, name);
      try {
        await rollForward(this.path, this.disk);
        const manifest = await this.manifestToExtend();
        if (manifest?.files.delete(name) === true) {
          await this.commitNow(new Map(), manifest.info, manifest);
        }
        await this.disk.unlink(path);
        await syncFolder(this.path, this.disk);
      } catch (error) {
        if (errorCodeOf(error) !== 'ENOENT') throw ioError('remove', path, error);
      }
    });
  }

  async names(): Promise<string[]> {
    const manifest = await this.manifestToExtend();
    return [...(manifest?.files.keys() ?? [])].filter(isPlainName);
  }

  async close(): Promise<void> {
    await this.last.catch(() => undefined);
    await this.release?.();
  }

  /** Finishes an interrupted commit, removes the leftovers of crashes, and tries to write. */
  async recover(): Promise<void> {
    await rollForward(this.path, this.disk);
    for (const name of await this.disk.readdir(this.path)) {
      if (isLeftover(name)) {
        await this.disk.rm(join(this.path, name), { recursive: true, force: true });
      }
    }
    const name = temporaryName('probe');
    try {
      // On a full disk writeNew takes away what it could not finish.
      await writeNew(join(this.path, name), Uint8Array.of(0), this.disk);
      await this.disk.unlink(join(this.path, name));
    } finally {
      releaseTemporary(name);
    }
  }

  // One write after the other; a failed one does not stop the next ones.
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.readOnly)
      throw new IoError(`Cannot write into ${show(this.path)}: it was opened for reading.`);
    const start = async (): Promise<T> => {
      // Someone may have deleted the folder while a run goes on.
      await makeFolder(this.path, this.disk).catch((error: unknown) => {
        throw ioError('write into', this.path, error);
      });
      return work();
    };
    const turn = this.last.then(start, start);
    this.last = turn.catch(() => undefined);
    return turn;
  }

  private async manifestText(): Promise<string | undefined> {
    if ((await this.find(manifestName)) === undefined) return undefined;
    const bytes = await this.readAny(manifestName, maxManifestBytes);
    return decodeUtf8(bytes, join(this.path, manifestName));
  }

  // The manifest, unless another program wrote it.
  private async ownManifest(): Promise<Manifest | undefined> {
    const text = await this.manifestText();
    if (text === undefined || isForeignManifest(text)) return undefined;
    return parseManifest(text, join(this.path, manifestName));
  }

  // A damaged manifest is replaced, because it must not prevent a run from saving. Another program's is not.
  private async manifestToExtend(): Promise<Manifest | undefined> {
    try {
      const text = await this.manifestText();
      if (text === undefined) return undefined;
      if (!isForeignManifest(text)) return parseManifest(text, manifestName);
    } catch (error) {
      if (error instanceof CheckpointError) return undefined;
      throw error;
    }
    const path = join(this.path, manifestName);
    throw new IoError(
      `Expected no ${show(path)}, or one of a run or model, received another program's. Choose another folder.`,
    );
  }

  private async commitNow(
    files: ReadonlyMap<string, Uint8Array | string>,
    info: Record<string, unknown>,
    before: Manifest | undefined,
  ): Promise<void> {
    const contents = new Map([...files].map(([name, content]) => [name, bytesOf(content)]));
    const listed: Manifest['files'] = new Map();
    for (const [name, entry] of before?.files ?? []) {
      // A manifest of another hand may list what is no plain name.
      if (isPlainName(name) && (await this.has(name))) listed.set(name, entry);
    }
    for (const [name, bytes] of contents) listed.set(name, manifestEntry(bytes));
    contents.set(manifestName, bytesOf(formatManifest({ files: listed, info })));

    await commitFiles(this.path, contents, this.disk);
  }

  private find(name: string): Promise<string | undefined> {
    return findFile(this.path, name, this.disk);
  }

  private async readAny(name: string, maxBytes?: number): Promise<Uint8Array> {
    for (let attempt = 0; ; attempt += 1) {
      const path = (await this.find(name)) ?? join(this.path, name);
      try {
        return await readBytes(path, {
          disk: this.disk,
          ...(maxBytes !== undefined && { maxBytes }),
        });
      } catch (error) {
        // The file may have moved from the journal to its place meanwhile.
        const moved = error instanceof IoError && errorCodeOf(error.cause) === 'ENOENT';
        if (!moved || attempt === 2 || (await this.find(name)) === undefined) throw error;
      }
    }
  }
}

/** Whether a folder takes a file of this name: no separators, no leading dot, at most 255 bytes. */
export function isPlainName(name: string): boolean {
  const plain = name !== '' && !name.startsWith('.') && !/[/\\\0]/.test(name);
  return plain && Buffer.byteLength(name) <= 255;
}

function assertName(name: string): void {
  if (!isPlainName(name)) {
    throw new InputError(expected('a plain file name', 'file', name));
  }
}

function assertContentName(name: string): void {
  assertName(name);
  if (name === manifestName) {
    throw new InputError(expected('a name other than the manifest', 'file', name));
  }
}
