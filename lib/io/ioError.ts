// System errors as IoError, with the path and a remedy.

import { IoError, show } from '../core/errors.ts';

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied. Check who owns it, or choose another place',
  EBUSY: 'it is in use. Close what uses it and try again',
  EDQUOT: 'the disk quota is used up. Free some space; what was there before is unchanged',
  EEXIST: 'it exists already',
  EFBIG: 'the file would be larger than the file system or the limit (ulimit -f) allows',
  EINVAL: 'the file system does not allow this',
  EIO: 'the device reports an error. Check the disk',
  EISDIR: 'it is a folder, a file was expected',
  ELOOP: 'its symbolic links run in a circle',
  EMFILE: 'too many files are open. Raise the limit (ulimit -n) or use fewer workers',
  ENAMETOOLONG: 'the name is too long',
  ENFILE: 'too many files are open on this machine. Try again later',
  ENOENT: 'there is no such file or folder',
  ENOMEM: 'the machine has no memory left for it. Close other programs, or give less at a time',
  ENOSPC: 'no space is left on the device. Free some; what was there before is unchanged',
  ENOTDIR: 'a part of the path is a file, a folder was expected',
  ENOTEMPTY: 'the folder is not empty',
  ENXIO: 'it is a socket or a device, a file was expected',
  EPERM: 'the operation is not permitted. Check who owns it, or choose another place',
  EPIPE: 'nobody reads it any more',
  EROFS: 'the file system is read-only. Choose another place',
  ESTALE: 'the network file system no longer knows it. Mount it again',
  ETIMEDOUT: 'the network file system does not answer. Try again later',
  ETXTBSY: 'it is in use. Close what uses it and try again',
  EXDEV: 'the two places are on different file systems',
};

/** The code of a system error, for example ENOENT; '' if it is no system error. */
export function errorCodeOf(error: unknown): string {
  // `instanceof Error` would fail: the class differs between realms (workers, test runners).
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}

/** Whether an error is one of the system's that a message of ours explains. */
export function isSystemError(error: unknown): boolean {
  return Object.hasOwn(reasons, errorCodeOf(error));
}

/** The reason of a system error with its code and without a remedy: `no space is left on the device (ENOSPC)`. */
export function reasonOf(error: unknown): string {
  const code = errorCodeOf(error);
  const reason = (reasons[code] ?? String(error)).split('. ')[0]!;
  return code === '' ? reason : `${reason} (${code})`;
}

/**
 * A system error as an IoError that names the action, the path, the bytes, the reason and a remedy.
 *
 * @param action  for example 'write'
 * @param bytes   how many bytes were to be moved
 */
export function ioError(action: string, path: string, error: unknown, bytes?: number): IoError {
  if (error instanceof IoError) return error;
  const code = errorCodeOf(error);
  const reason = reasons[code] ?? String(error);
  const size = bytes === undefined ? '' : ` (${bytes} bytes)`;
  const suffix = code === '' ? '' : ` (${code})`;
  return new IoError(`Cannot ${action} ${show(path)}${size}: ${reason}${suffix}.`, {
    cause: error,
  });
}
