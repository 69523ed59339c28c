// Errors of Node, of the engine and of other packages as errors of ours: the one place where they are translated.

import { InputError, IoError, UnsupportedError, VitError, messageOf } from '../core/errors.ts';
import { errorCodeOf, ioError, isSystemError } from './ioError.ts';
import { availableBytes, formatBytes } from './memory.ts';

// How V8, Node, WebAssembly, C++ and the image library say that memory is used up.
const outOfMemory =
  /expected memory for|allocation failed|invalid (typed )?array( buffer)? length|out of memory|bad_alloc|cannot (allocate|enlarge) memory|could not allocate|array buffer allocation|buffer larger than|exceeds the maximum|memory\.grow|abort(ed)?\(oom/i;
const outOfMemoryCodes = ['ENOMEM', 'ERR_WORKER_OUT_OF_MEMORY', 'ERR_BUFFER_TOO_LARGE'];

/**
 * A foreign error with a cause that its user can do something about, in one sentence of ours; undefined where there is no such cause,
 * so that it is a defect. An error of ours comes back as it is.
 *
 * Known are: memory and open files used up, system errors of any call, a working folder that is gone, a package that is missing or
 * does not load.
 */
export function translateError(error: unknown): VitError | undefined {
  if (error instanceof VitError) return error;
  const [code, message] = [errorCodeOf(error), messageOf(error)];
  if (outOfMemoryCodes.includes(code) || outOfMemory.test(message)) {
    const free = formatBytes(availableBytes());
    // The native backend says by itself what to do.
    if (message.startsWith('Expected')) return new InputError(`${message} ${free} are free.`);
    return new InputError(
      `Expected more memory, received "${firstLine(message)}": ${free} are free. ` +
        'Give a smaller batch (--batch-size), or a smaller model or image, or close other programs.',
      { cause: error },
    );
  }
  const { syscall = '', path = '' } = (error ?? {}) as { syscall?: string; path?: string };
  if (syscall === 'uv_cwd') {
    const remedy = 'It was deleted: change into another folder.';
    return new IoError(`Cannot find the working folder. ${remedy}`, { cause: error });
  }
  const missing = missingPackage(code, message);
  if (missing !== undefined) {
    return new UnsupportedError(
      `Expected the package ${missing}, which could not be loaded: ${firstLine(message)}. Install it again: npm install.`,
    );
  }
  if (isSystemError(error)) return ioError(syscall || 'use', path || 'a file', error);
  return undefined;
}

function missingPackage(code: string, message: string): string | undefined {
  const named =
    /Cannot find (?:package|module) '([^'./][^']*)'/.exec(message)?.[1] ??
    /Could not load the "?([\w@/-]+)"? module/.exec(message)?.[1];
  if (named !== undefined) return /^(@[^/]+\/)?[^/]+/.exec(named)![0];
  return code === 'ERR_DLOPEN_FAILED' ? 'with the native part' : undefined;
}

function firstLine(text: string): string {
  return text.split('\n')[0]!.trim().replace(/\.$/, '');
}
