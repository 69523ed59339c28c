// Who takes part: native and its peers, what each can do and how its process is started.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UnsupportedError } from '../lib/node.ts';
import type { ProcessSpec } from './contenderProcess.ts';
import { peerFolder } from './peers/folder.ts';
import type { Work } from './works.ts';

/** The contenders that native can be compared with. */
export const peerNames = [
  'pytorch', 'tfjs-node', 'wasm', 'cpu', 'onnxruntime', 'onednn',
] as const; // prettier-ignore
export type PeerName = (typeof peerNames)[number];
export type ContenderName = 'native' | PeerName;

const tfjsKinds = ['train', 'infer', 'gemm', 'op'];
const kinds: Readonly<Record<ContenderName, readonly string[]>> = {
  native: tfjsKinds,
  wasm: tfjsKinds,
  cpu: tfjsKinds,
  'tfjs-node': tfjsKinds,
  pytorch: ['train', 'infer', 'gemm'],
  onnxruntime: ['infer'],
  onednn: ['gemm'],
};
const backends: Readonly<Partial<Record<ContenderName, string>>> = {
  native: 'native',
  wasm: 'wasm',
  cpu: 'cpu',
  'tfjs-node': 'tensorflow',
};

/** Whether a contender can do a work. */
export function canDo(name: ContenderName, { kind }: Pick<Work, 'kind'>): boolean {
  return kinds[name].includes(kind);
}

/**
 * How a contender's process is started.
 *
 * @param options.python  an interpreter with the peer's packages; default that of `npm run setup:peers`
 * @throws UnsupportedError naming the command that sets the peer up, if it is not
 */
export function processOf(
  name: ContenderName,
  { threads, python }: { threads: number; python?: string | undefined },
): ProcessSpec {
  const root = join(import.meta.dirname, '..');
  const env = {
    OMP_NUM_THREADS: String(threads),
    MKL_NUM_THREADS: String(threads),
    TF_NUM_INTRAOP_THREADS: String(threads),
    TF_NUM_INTEROP_THREADS: '1',
  };
  const backend = backends[name];
  if (backend !== undefined) {
    const script = join(import.meta.dirname, 'tfjsContender.ts');
    const args = ['--import', 'tsx', '--expose-gc', script, backend, String(threads)];
    return { name, command: process.execPath, args, env, cwd: root };
  }
  const ready = existsSync(join(peerFolder(name), 'setup.json'));
  if (name === 'onednn') {
    if (!ready) throw notSetUp(name);
    return { name, command: join(peerFolder(name), 'gemm'), args: [], env, cwd: root };
  }
  if (python === undefined && !ready) throw notSetUp(name);
  // onnxruntime runs in the interpreter of pytorch, which exports its model.
  const command = python ?? join(peerFolder('pytorch'), 'venv', 'bin', 'python');
  if (!existsSync(command)) {
    throw new UnsupportedError(`There is no Python interpreter at ${command}.`);
  }
  const script = join(import.meta.dirname, 'peers', `${name}_contender.py`);
  return { name, command, args: [script, String(threads)], env, cwd: root };
}

function notSetUp(name: string): UnsupportedError {
  return new UnsupportedError(
    `The peer ${name} is not set up. Run npm run setup:peers -- ${name}, or leave it out of --peers.`,
  );
}
