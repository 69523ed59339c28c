// One file of a model on the hub: its address, its hash and its size.

import type { HubAddress } from './hubAddress.ts';
import { commitPattern } from './hubCache.ts';
import { notTheHub, statusError } from './hubErrors.ts';
import type { HubConnection } from './hubConnection.ts';

/**
 * The facts of a file.
 *
 * @property commit  of the repository
 * @property hash    64 digits: its SHA-256; 40 digits: git's hash, the SHA-1 of `blob <size>\0` and its content
 * @property size    in bytes; undefined where the hub does not say
 */
export interface HubFileFacts {
  commit: string;
  hash: string;
  size: number | undefined;
}

/** The address of a file's content. */
export function fileUrl({ repo, revision }: HubAddress, file: string, endpoint: string): string {
  return `${endpoint}/${repo}/resolve/${encodeURIComponent(revision)}/${file}`;
}

/**
 * Asks for the facts of a file.
 *
 * @returns the facts; where the model has no such file, its commit, if the hub says it
 * @throws HubError if there is no such model, it is refused, or the answer is none of the hub's
 */
export async function fileFacts(
  connection: HubConnection,
  address: HubAddress,
  file: string,
): Promise<HubFileFacts | { missing: true; commit: string | undefined }> {
  const { settings } = connection;
  const url = fileUrl(address, file, settings.endpoint);
  const answer = await connection.request(url, { method: 'HEAD', stay: true });
  answer.discard();
  const { status } = answer;
  const named = answer.header('x-repo-commit') ?? '';
  const commit = commitPattern.test(named) ? named : undefined;
  const code = answer.header('x-error-code');
  // A plain mirror has no codes: a file is missing there if the commit is known to be there.
  const isKnown = commit !== undefined || commitPattern.test(address.revision);
  if (status === 404 && (code === 'EntryNotFound' || (code === undefined && isKnown))) {
    return { missing: true, commit };
  }
  if (status >= 400) throw statusError({ status, code }, file, address, settings);
  const hash = (answer.header('x-linked-etag') ?? answer.header('etag') ?? '').replace(
    /^W\/|"/g,
    '',
  );
  if (commit === undefined || !/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(hash)) {
    const what = commit === undefined ? 'X-Repo-Commit' : 'the hash of the file';
    const type = answer.header('content-type') ?? 'no type';
    throw notTheHub(settings.endpoint, `an answer without ${what} (status ${status}, ${type})`);
  }
  const size = Number(
    answer.header('x-linked-size') ?? (status === 200 ? answer.header('content-length') : NaN),
  );
  return { commit, hash, size: Number.isSafeInteger(size) && size >= 0 ? size : undefined };
}
