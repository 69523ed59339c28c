// The download of one file: it goes on where an earlier one was cut, is checked by its hash, and gets its name only then.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, stat, statfs, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { IoError, show } from '../core/errors.ts';
import { realDisk } from '../io/disk.ts';
import { tryLockFolder } from '../io/folderLock.ts';
import { ioError, isSystemError } from '../io/ioError.ts';
import { formatBytes } from '../io/memory.ts';
import { releaseTemporary, temporaryName } from '../io/temporary.ts';
import type { HubAddress } from './hubAddress.ts';
import { isThere } from './hubCache.ts';
import { HubError, networkCode, notTheHub, statusError } from './hubErrors.ts';
import type { HubAnswer, HubConnection } from './hubConnection.ts';
import type { HubSettings } from './hubSettings.ts';
import { fileUrl, type HubFileFacts } from './hubFile.ts';

// Files that are fetched at once and in one piece: they are no business of a lock or of a part that is kept.
const smallBytes = 2 ** 16;

/** How far a download is, in bytes. */
export interface DownloadProgress {
  file: string;
  done: number;
  total: number | undefined;
}

/**
 * A file to download.
 *
 * @property blob        where its content belongs
 * @property lockFolder  the folder of its lock
 * @property maxBytes    the most that is taken where the hub does not say the size
 */
export interface BlobOrder {
  address: HubAddress;
  file: string;
  facts: HubFileFacts;
  blob: string;
  lockFolder: string;
  maxBytes: number;
  onNote: (text: string) => void;
  onProgress: (progress: DownloadProgress) => void;
}

/**
 * Downloads a file unless it is there. Its bytes are kept as they come, beside the blob, so that a process that ends at any byte, or a
 * connection that is cut, goes on from there; the blob gets its name once its hash is right. One process at a time downloads a file;
 * others wait for it.
 *
 * @throws HubError if the hub does not send the file; IoError if it cannot be kept, or the content has another hash: nothing is kept then
 */
export async function downloadBlob(connection: HubConnection, order: BlobOrder): Promise<void> {
  const { blob, lockFolder, facts } = order;
  await mkdir(dirname(blob), { recursive: true }).catch((error: unknown) => {
    throw ioError('write', blob, error);
  });
  if ((facts.size ?? order.maxBytes) <= smallBytes) {
    const name = temporaryName('hub');
    const whole = join(dirname(blob), name);
    try {
      await fill(connection, order, whole);
      await rename(whole, blob);
    } finally {
      await unlink(whole).catch(() => undefined);
      releaseTemporary(name);
    }
    return;
  }
  const partial = `${blob}.tfjs-vit.incomplete`;
  await mkdir(lockFolder, { recursive: true }).catch((error: unknown) => {
    throw ioError('write', lockFolder, error);
  });
  const release = await lockOf(connection, order, partial);
  try {
    if (await isThere(blob)) return;
    await fill(connection, order, partial);
    await rename(partial, blob);
  } finally {
    await release();
  }
}

// Fetches what is missing of a file, waits until the disk has it, and checks its hash.
async function fill(connection: HubConnection, order: BlobOrder, path: string): Promise<void> {
  const { facts, file } = order;
  const handle = await open(path, 'a+').catch((error: unknown) => {
    throw ioError('write', path, error);
  });
  try {
    const begun = (await handle.stat()).size;
    if (facts.size !== undefined && begun > facts.size) await handle.truncate(0);
    await assertSpace(path, (facts.size ?? 0) - begun, file);
    let received = await receive(connection, order, handle, path);
    if (received !== facts.hash) {
      await handle.truncate(0);
      // An earlier part may be damaged, by a power cut for example: then the whole is fetched, once.
      if (begun > 0) received = await receive(connection, order, handle, path);
      if (received !== facts.hash) throw await damaged(order, received, path);
    }
    // A file of weights must be whole after a power cut; small ones are not worth the wait.
    if (begun > 0 || (facts.size ?? Infinity) > smallBytes) await handle.sync();
  } catch (error) {
    const isSystems = isSystemError(error) && !(error instanceof IoError);
    throw isSystems ? ioError('write', path, error) : error;
  } finally {
    await handle.close();
  }
}

// Waits for a process that downloads the same file, while its part grows.
async function lockOf(
  { wait, settings }: HubConnection,
  { blob, lockFolder, onNote }: BlobOrder,
  partial: string,
): Promise<() => Promise<void>> {
  let [size, quiet, told] = [-1, 0, false];
  for (;;) {
    const lock = await tryLockFolder(lockFolder, realDisk);
    if (!(lock instanceof IoError)) return lock;
    if (!told) onNote('Another process downloads the same file: waiting for it.');
    told = true;
    await wait(200);
    const now = await stat(partial).then(
      ({ size }) => size,
      () => -1,
    );
    quiet = now === size ? quiet + 200 : 0;
    size = now;
    if (quiet > 60_000 + 4 * settings.timeoutMs && !(await isThere(blob))) throw lock;
  }
}

// Asks for what is missing until the file is whole. @returns the hash of all of it
async function receive(
  connection: HubConnection,
  order: BlobOrder,
  handle: FileHandle,
  partial: string,
): Promise<string> {
  const { file, facts, address, onProgress } = order;
  const { settings } = connection;
  const url = fileUrl(address, file, settings.endpoint);
  let at = (await handle.stat()).size;
  for (let failures = 0; facts.size === undefined || at < facts.size || at === 0;) {
    const before = at;
    try {
      const headers: Record<string, string> = at > 0 ? { range: `bytes=${at}-` } : {};
      const answer = await connection.request(url, { headers });
      const { status } = answer;
      if (status === 416 || (status === 200 && at > 0)) {
        // It does not go on from there: the whole is sent, or asked for.
        await handle.truncate(0);
        at = 0;
      }
      if (status === 416) {
        answer.discard();
        failures += 1;
        if (failures > 4) throw statusError({ status, code: undefined }, file, address, settings);
        continue;
      }
      assertContent(answer, { order, at, settings });
      for await (const chunk of answer.body) {
        if (at + chunk.length > (facts.size ?? order.maxBytes)) {
          answer.discard();
          throw notTheHub(
            settings.endpoint,
            `more than the ${facts.size ?? order.maxBytes} bytes of ${file}`,
          );
        }
        await writeWhole(handle, chunk);
        at += chunk.length;
        onProgress({ file, done: at, total: facts.size });
      }
      if (facts.size === undefined || at === facts.size) break;
      throw Object.assign(new Error('the connection was cut'), { code: 'UND_ERR_SOCKET' });
    } catch (error) {
      if (error instanceof IoError || networkCode(error) === '') throw error;
      if (isSystemError(error) && !/^(ECONNRESET|EPIPE|ETIMEDOUT)$/.test(networkCode(error)))
        throw error;
      failures = at > before ? 1 : failures + 1;
      if (failures > 4) throw cut(order, at, error);
      await connection.wait(250 * 2 ** failures);
    }
  }
  return hashOf(partial, at, facts.hash);
}

function assertContent(
  answer: HubAnswer,
  { order, at, settings }: { order: BlobOrder; at: number; settings: HubSettings },
): void {
  const { file, address, facts } = order;
  const { status } = answer;
  const { endpoint } = settings;
  const refuse = (error: HubError): never => {
    answer.discard();
    throw error;
  };
  if (status !== 200 && status !== 206) {
    refuse(statusError({ status, code: answer.header('x-error-code') }, file, address, settings));
  }
  const type = answer.header('content-type') ?? '';
  if (/^text\/html\b/i.test(type) && !/\.(html?|md)$/i.test(file)) {
    refuse(notTheHub(endpoint, `a page (${type}) in place of ${file}`));
  }
  const range = answer.header('content-range');
  if (status === 206 && range !== undefined && !range.startsWith(`bytes ${at}-`)) {
    refuse(notTheHub(endpoint, `the range ${show(range)} for ${file} from byte ${at}`));
  }
  const length = answer.header('content-length');
  const left = facts.size === undefined ? undefined : facts.size - at;
  if (length !== undefined && left !== undefined && Number(length) !== left) {
    refuse(notTheHub(endpoint, `${length} bytes in place of the ${left} of ${file}`));
  }
}

async function writeWhole(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let at = 0; at < chunk.length;) {
    const { bytesWritten } = await handle.write(chunk, at, chunk.length - at);
    if (bytesWritten === 0)
      throw Object.assign(new Error('nothing was written'), { code: 'ENOSPC' });
    at += bytesWritten;
  }
}

async function hashOf(path: string, size: number, wanted: string): Promise<string> {
  const hash = createHash(wanted.length === 64 ? 'sha256' : 'sha1');
  if (wanted.length === 40) hash.update(`blob ${size}\0`);
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 }))
    hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

async function assertSpace(path: string, needed: number, file: string): Promise<void> {
  const free = await statfs(path).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => Infinity,
  );
  if (needed <= free) return;
  throw new IoError(
    `Cannot write ${show(path)}: ${file} needs ${formatBytes(needed)} more, and ${formatBytes(free)} are free. Free some space, or name another folder with HF_HUB_CACHE.`,
  );
}

function cut({ file, address, facts }: BlobOrder, at: number, cause: unknown): HubError {
  const of = facts.size === undefined ? '' : ` of ${facts.size}`;
  return new HubError(
    'unreachable',
    `Cannot download ${file} of ${address.repo}: the connection was cut again and again, after ${at}${of} bytes. They are kept: the same command goes on from there.`,
    { cause },
  );
}

async function damaged(
  { file, address, facts }: BlobOrder,
  received: string,
  partial: string,
): Promise<IoError> {
  await unlink(partial).catch(() => undefined);
  const name = facts.hash.length === 64 ? 'the SHA-256' : "git's hash";
  return new IoError(
    `Expected ${file} of ${address.repo} with ${name} ${facts.hash}, received ${received}: it was damaged on the way, or the server sends something else. Nothing of it was kept. Try again.`,
  );
}
