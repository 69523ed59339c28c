// The inner door of the native backend: importing it registers the backend `native` with tfjs where the addon can be loaded, above
// every other backend in priority; where it cannot, it knows why. `node.ts`, the door of a user's program, also says so.

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs';
import { assertInteger } from '../../core/check.ts';
import { UnsupportedError } from '../../core/errors.ts';
import type { NativeBinding } from './binding.ts';
import { BACKEND_NAME } from './kernels/kernel.ts';
import { loadBinding } from './loader.ts';
import { NativeBackend } from './nativeBackend.ts';
import { registerKernels } from './registerKernels.ts';

const loaded = loadBinding();

if ('binding' in loaded && tf.engine().registryFactory[BACKEND_NAME] === undefined) {
  const { binding } = loaded;
  tf.registerBackend(BACKEND_NAME, () => new NativeBackend(binding), 4);
  tf.copyRegisteredKernels('cpu', BACKEND_NAME);
  registerKernels();
}

/** Why the backend cannot be used here, in one sentence with a remedy; undefined if it can. */
export function nativeUnavailableReason(): string | undefined {
  return 'reason' in loaded ? loaded.reason : undefined;
}

/**
 * Sets the number of threads that kernels use, the calling one included; the default is one for each core.
 *
 * Results do not depend on it.
 *
 * @throws InputError unless 1 ≤ count ≤ 256; UnsupportedError if the backend cannot be used
 */
export function setThreads(count: number): void {
  assertInteger('threads', count, { min: 1, max: 256 });
  nativeBinding().setThreads(count);
}

/** The instruction set in use (portable, avx2, avx512, avx512bf16, amx or neon), the number of threads, the addon's file. @throws UnsupportedError */
export function nativeInfo(): { isa: string; threads: number; file: string } {
  if ('reason' in loaded) throw new UnsupportedError(loaded.reason);
  const { binding, file } = loaded;
  return { isa: binding.isa(), threads: binding.threads(), file };
}

/** The addon itself, for tests and measurements. @throws UnsupportedError if it cannot be loaded */
export function nativeBinding(): NativeBinding {
  if ('reason' in loaded) throw new UnsupportedError(loaded.reason);
  return loaded.binding;
}
