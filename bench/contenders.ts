// The contenders, native and its peers: the works that each can do and the command that starts it.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UnsupportedError } from '../lib/node.ts';
import { compiled } from './compiled.ts';
import type { ProcessSpec } from './contenderProcess.ts';
import { peerFolder, pythonOfPeers } from './peers/folder.ts';
import type { Precision } from '../lib/node.ts';
import type { Work } from './works.ts';

/** The contenders that native can be compared with. */
export const peerNames = [
  'pytorch', 'tfjs-node', 'wasm', 'cpu', 'jax-js', 'onnxruntime', 'onednn',
] as const; // prettier-ignore
export type PeerName = (typeof peerNames)[number];
export type ContenderName = 'native' | PeerName;

type Kind = Work['kind'];
const all: readonly Kind[] = ['train', 'infer', 'gemm', 'op'];
const models: readonly Kind[] = ['train', 'infer', 'gemm'];
const abilities: Readonly<Record<ContenderName, Readonly<Record<Precision, readonly Kind[]>>>> = {
  // The op table has float32 rows only.
  native: { fp32: all, bf16: models },
  wasm: { fp32: all, bf16: [] },
  cpu: { fp32: all, bf16: [] },
  'tfjs-node': { fp32: all, bf16: [] },
  'jax-js': { fp32: models, bf16: [] },
  pytorch: { fp32: models, bf16: models },
  onnxruntime: { fp32: ['infer'], bf16: [] },
  onednn: { fp32: ['gemm'], bf16: ['gemm'] },
};
const backends: Readonly<Partial<Record<ContenderName, string>>> = {
  native: 'native',
  wasm: 'wasm',
  cpu: 'cpu',
  'tfjs-node': 'tensorflow',
};

/** The reason why a contender is left out of a work, or undefined if it takes part. */
export function whyLeftOut(
  name: ContenderName,
  { kind, precision }: Pick<Work, 'kind' | 'precision'>,
): string | undefined {
  const { fp32, bf16 } = abilities[name];
  if ((precision === 'fp32' ? fp32 : bf16).includes(kind)) return undefined;
  if (fp32.includes(kind)) return `${name} is left out: here it computes in fp32 only`;
  return `${name} is left out: it takes part in ${fp32.join(', ')} only`;
}

/**
 * The command that starts a contender's process.
 *
 * @param options.python  an interpreter with the peer's packages; default that of `npm run setup:peers`
 * @throws UnsupportedError naming the command that sets the peer up, if it is not set up
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
    const args = ['--expose-gc', compiled('tfjsContender.ts'), backend, String(threads)];
    return { name, command: process.execPath, args, env, cwd: root };
  }
  const ready = existsSync(join(peerFolder(name), 'setup.json'));
  if (name === 'onednn') {
    if (!ready) throw notSetUp(name);
    return { name, command: join(peerFolder(name), 'gemm'), args: [], env, cwd: root };
  }
  if (name === 'jax-js') {
    if (!ready) throw notSetUp(name);
    const script = compiled(join('peers', 'jaxjs_contender.mjs'));
    const args = ['--expose-gc', script, peerFolder(name), String(threads)];
    return { name, command: process.execPath, args, env, cwd: root };
  }
  if (python === undefined && !ready) throw notSetUp(name);
  // onnxruntime runs in the interpreter of pytorch, which exports its model.
  const command = python ?? pythonOfPeers();
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
