// Chooses the tfjs backend of the process: loads it, sets it, and says in one line why it is this one.

import { assertKind } from '../core/kinds.ts';
import * as tf from '@tensorflow/tfjs';
import { assertInteger, assertOneOf } from '../core/check.ts';
import { UnsupportedError, messageOf } from '../core/errors.ts';

/** The names by which a backend can be chosen. */
export const backendChoices = ['auto', 'native', 'wasm', 'cpu', 'tensorflow', 'webgpu'] as const;
/** One of `backendChoices`. */
export type BackendChoice = (typeof backendChoices)[number];
/** The name of a backend, as tfjs's registry has it. */
export type BackendName = Exclude<BackendChoice, 'auto'>;

/** The options of `selectBackend`. */
export interface BackendOptions {
  backend?: string | undefined;
  threads?: number | undefined;
}

/**
 * The backend that a run uses.
 *
 * @property name      as in tfjs's registry
 * @property reason    one line for a person: which backend, and why this one
 * @property warnings  lines about wishes that it cannot fulfil, for example threads on wasm
 * @property fastBf16  whether products of bfloat16 are faster than those of float32 with it on this processor
 */
export interface SelectedBackend {
  name: BackendName;
  reason: string;
  warnings: readonly string[];
  fastBf16: boolean;
}

/** The description that a backend gives of itself once it is loaded. */
interface Loaded {
  about: string;
  warnings?: readonly string[];
  fastBf16?: boolean;
}

/**
 * Chooses, loads and sets the tfjs backend of this process.
 *
 * @param options.backend  default 'auto': native, else wasm, else cpu, the fastest that works here. Any other choice is that one or
 *                         an error
 * @param options.threads  ≥ 1; default: as many as the backend finds useful
 * @throws InputError for an unknown backend, naming the choices
 * @throws UnsupportedError for one that was asked for by name and does not work here, with what to do about it
 *
 * @example
 * const {reason, warnings} = await selectBackend({backend: 'auto'});
 * console.log(reason);   // Backend native (C++, AVX-512, 2 threads): the fastest that works here.
 */
export async function selectBackend(options: BackendOptions = {}): Promise<SelectedBackend> {
  assertKind('the options of selectBackend', options, 'object');
  const { backend = 'auto', threads } = options;
  assertOneOf('backend', backend, backendChoices);
  if (threads !== undefined) assertInteger('threads', threads, { min: 1, max: 256 });
  if (backend !== 'auto') return tryBackend(backend, threads, 'asked for by name');
  const failures: string[] = [];
  for (const name of ['native', 'wasm', 'cpu'] as const) {
    try {
      const why = failures.length === 0 ? 'the fastest that works here' : failures.join('; ');
      return await tryBackend(name, threads, why);
    } catch (error) {
      // The backend's own sentence begins as this one does.
      const why = messageOf(error)
        .split('\n')[0]!
        .replace(`The ${name} backend cannot be used: `, '');
      failures.push(`${name} is not used: ${why.replace(/\.$/, '')}`);
    }
  }
  throw new UnsupportedError(`No backend works here: ${failures.join('; ')}.`);
}

async function tryBackend(
  name: BackendName,
  threads: number | undefined,
  why: string,
): Promise<SelectedBackend> {
  const { about, warnings = [], fastBf16 = false } = await load[name](threads);
  if (!(await tf.setBackend(name))) {
    throw new UnsupportedError(`The backend ${name} is here (${about}) but does not start.`);
  }
  await tf.ready();
  quietCpu();
  return { name, reason: `Backend ${name} (${about}): ${why}.`, warnings, fastBf16 };
}

const isaNames: Readonly<Record<string, string>> = {
  amx: 'AVX-512 and AMX',
  avx512bf16: 'AVX-512 BF16',
  avx512: 'AVX-512',
  avx2: 'AVX2',
  neon: 'NEON',
  portable: 'no vector instructions',
};

/** Loads a backend's code, only when it is chosen, and registers it. */
const load: Record<BackendName, (threads: number | undefined) => Promise<Loaded>> = {
  native: async (threads) => {
    const native = await import('./native/index.ts');
    if (threads !== undefined && native.nativeUnavailableReason() === undefined) {
      native.setThreads(threads);
    }
    const { isa, threads: count } = native.nativeInfo();
    const name = isaNames[isa] ?? isa;
    const about = `C++, ${name}, ${count} thread${count === 1 ? '' : 's'}`;
    // An instruction for bf16 that is no faster is not in use.
    return { about, fastBf16: isa === 'amx' || isa === 'avx512bf16' };
  },
  wasm: async (threads) => (await import('./wasm/load.ts')).loadWasm(threads),
  cpu: async (threads) => ({
    about: 'plain JavaScript, slow',
    warnings: oneThread('cpu', threads),
  }),
  tensorflow: async (threads) => (await import('./tensorflow/index.ts')).loadTensorflow(threads),
  webgpu: async (threads) => ({
    ...(await (await import('./webgpu/node.ts')).loadWebgpu()),
    warnings: oneThread('webgpu', threads),
  }),
};

/** tfjs's CPU backend, which others fall back on, advises on its first use to install tfjs-node; the reason says more. */
function quietCpu(): void {
  const cpu = tf.findBackend('cpu') as { firstUse?: boolean } | undefined;
  if (cpu?.firstUse === true) cpu.firstUse = false;
}

function oneThread(name: string, threads: number | undefined): string[] {
  return threads === undefined || threads === 1
    ? []
    : [`The backend ${name} has no threads to set; --threads ${threads} is not used.`];
}
