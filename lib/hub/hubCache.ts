// The folders of huggingface_hub's cache, which Python programs share: blobs by their hash, and snapshots that link to them.

import { lstat, mkdir, readFile, rename, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { errorCodeOf, ioError } from '../io/ioError.ts';
import { releaseTemporary, temporaryName } from '../io/temporary.ts';

/** A commit of a repository. */
export const commitPattern = /^[0-9a-f]{40}$/;

/**
 * The places of one model in the cache.
 *
 * @property folder  `models--owner--name`
 * @property locks   the folder of the locks of its files
 */
export interface CachedRepo {
  folder: string;
  locks: string;
}

/** The places of a model in a cache. */
export function cachedRepo(cache: string, repo: string): CachedRepo {
  const name = `models--${repo.replace('/', '--')}`;
  return { folder: join(cache, name), locks: join(cache, '.locks', name) };
}

/** The place of a file's content. @param hash  its SHA-256, or git's hash of it */
export function blobPath({ folder }: CachedRepo, hash: string): string {
  return join(folder, 'blobs', hash);
}

/** The place of a commit's files under their names. */
export function snapshotFolder({ folder }: CachedRepo, commit: string): string {
  return join(folder, 'snapshots', commit);
}

/** The commit that a branch or tag was at when it was last downloaded; undefined if it never was. */
export async function readRef(
  { folder }: CachedRepo,
  revision: string,
): Promise<string | undefined> {
  if (commitPattern.test(revision)) return revision;
  const text = await readFile(join(folder, 'refs', revision), 'utf8').catch(() => '');
  return commitPattern.test(text.trim()) ? text.trim() : undefined;
}

/** Notes the commit of a branch or tag. */
export async function writeRef(
  { folder }: CachedRepo,
  revision: string,
  commit: string,
): Promise<void> {
  const path = join(folder, 'refs', revision);
  await replaceFile(path, commit);
}

/** Whether a commit is known not to have a file. */
export function isKnownMissing(
  { folder }: CachedRepo,
  commit: string,
  file: string,
): Promise<boolean> {
  return isThere(join(folder, '.no_exist', commit, file));
}

/** Notes that a commit does not have a file. */
export async function noteMissing(
  { folder }: CachedRepo,
  commit: string,
  file: string,
): Promise<void> {
  const path = join(folder, '.no_exist', commit, file);
  await replaceFile(path, '');
}

/** Whether a file, or the target of a link, is there. */
export function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/**
 * Gives a blob its name in a snapshot: a relative link. Where links cannot be made (Windows without developer mode) the blob is moved
 * there, as huggingface_hub does.
 *
 * @throws IoError if neither can be done
 */
export async function linkBlob(blob: string, path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    // A link whose blob is gone.
    if ((await lstat(path).catch(() => undefined)) !== undefined && !(await isThere(path)))
      await unlink(path);
    await symlink(relative(dirname(path), blob), path).catch(async (error: unknown) => {
      const code = errorCodeOf(error);
      if (code === 'EEXIST') return;
      if (!['EPERM', 'EACCES', 'ENOSYS', 'ENOTSUP', 'EINVAL', 'UNKNOWN'].includes(code))
        throw error;
      await rename(blob, path);
    });
  } catch (error) {
    throw ioError('write', path, error);
  }
}

// Another process finds the old text or the new one. A note that a power cut takes away costs one question.
async function replaceFile(path: string, text: string): Promise<void> {
  const name = temporaryName('hub');
  const temporary = join(dirname(path), name);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, text);
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw ioError('write', path, error);
  } finally {
    releaseTemporary(name);
  }
}
