// The backend `tensorflow`: tfjs-node's kernels on the C library of TensorFlow.

import * as tf from '@tensorflow/tfjs';
import util from 'node:util';
import path from 'node:path';
import { messageOf, UnsupportedError } from '../../core/errors.ts';
import { findPeer, findSetup, notSetUp, type PackageFolder } from '../optionalPackages.ts';

/**
 * Registers the backend `tensorflow`: tfjs-node's kernels on the C library of TensorFlow.
 *
 * The library that `npm run setup:tensorflow` built comes first, then a `@tensorflow/tfjs-node-gpu` or `@tensorflow/tfjs-node` of
 * the project.
 * Both use the same tfjs as this library, so there is one engine in the process.
 *
 * @param threads  of one op (TensorFlow's intra-op pool); it is read once, when the library is loaded
 * @returns what it is, for people
 * @throws UnsupportedError when it is not set up, or does not load on this machine; the message says what to run
 */
export function loadTensorflow(threads: number | undefined): { about: string } {
  restoreUtil();
  if (threads !== undefined) process.env['TF_NUM_INTRAOP_THREADS'] = String(threads);
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '1'; // its advice on compiler flags is noise here
  const setup = findSetup('tensorflow', 'setup.json');
  try {
    if (setup !== undefined) return { about: registerSetup(setup) };
    const peer = findPeer(['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node']);
    if (peer === undefined) throw notSetUp('tensorflow', 'its library, or @tensorflow/tfjs-node,');
    peer.require(peer.name);
    return { about: `TensorFlow's C library through ${peer.name}` };
  } catch (error) {
    if (error instanceof UnsupportedError) throw error;
    throw new UnsupportedError(
      `The backend tensorflow does not load: ${messageOf(error)}. Run \`npm run setup:tensorflow -- --force\`, or use --backend auto.`,
    );
  }
}

interface Binding {
  TF_Version: string;
}
type BackendClass = new (binding: Binding, packageName: string) => tf.KernelBackend;

function registerSetup({ folder, require }: PackageFolder): string {
  const load = (file: string): unknown => require(path.join(folder, file));
  const binding = load('tfjs_binding.node') as Binding;
  const { gpu } = load('setup.json') as { gpu: boolean };
  if (tf.findBackendFactory('tensorflow') === null) {
    // The parts of tfjs-node's entry that this needs; the entry itself looks for a downloaded library.
    load('tfjs-node/dist/register_all_kernels.js');
    const { NodeJSKernelBackend } = load('tfjs-node/dist/nodejs_kernel_backend.js') as {
      NodeJSKernelBackend: BackendClass;
    };
    const name = gpu ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs-node';
    tf.registerBackend('tensorflow', () => new NodeJSKernelBackend(binding, name), 3);
  }
  return `TensorFlow ${binding.TF_Version}${gpu ? ' with CUDA' : ''}`;
}

/** tfjs-node 4.22 calls two functions of `util` that Node 23 removed. */
function restoreUtil(): void {
  const old = util as unknown as Record<string, unknown>;
  old['isNullOrUndefined'] ??= (value: unknown) => value === null || value === undefined;
  old['isArray'] ??= Array.isArray;
}
