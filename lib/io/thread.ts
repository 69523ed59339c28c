// Worker threads from a file of the library, and errors that pass between them and this one.

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import { InputError, IoError, VitError, messageOf } from '../core/errors.ts';

/**
 * Starts a worker thread.
 *
 * In a checkout, and in its tests, the sources are TypeScript: tsx is registered in the thread before they are loaded, because Node
 * 20 loads a thread's file before what `--import` names.
 *
 * @param file        without its ending, relative to `base`: './worker'
 * @param base        the caller's `import.meta.url`
 * @param workerData  what the thread finds under that name
 */
export function startThread(file: string, base: string, workerData?: unknown): Worker {
  const isSource = base.endsWith('.ts');
  const main = new URL(isSource ? `${file}.ts` : `${file}.js`, base);
  if (!isSource) return new Worker(main, { workerData });
  const tsx = dirname(createRequire(import.meta.url).resolve('tsx/package.json'));
  const loader = pathToFileURL(join(tsx, 'dist', 'esm', 'api', 'index.mjs')).href;
  const [api, url] = [loader, main.href].map((text) => JSON.stringify(text));
  const code = `import(${api}).then(({ register }) => { register(); return import(${url}); });`;
  return new Worker(code, { eval: true, execArgv: [], workerData });
}

/** An error as plain data, for a message between threads. */
export interface SentError {
  code: string;
  message: string;
  stack: string;
}

/** An error as it is sent. */
export function sentError(error: unknown): SentError {
  const code = error instanceof VitError ? error.code : '';
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  return { code, message: messageOf(error), stack };
}

/** The error that was sent. One that is not of the library keeps its stack. */
export function receivedError({ code, message, stack }: SentError): Error {
  if (code === 'input') return new InputError(message);
  if (code === 'io') return new IoError(message);
  return Object.assign(new Error(message), { stack });
}
