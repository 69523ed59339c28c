// The one test environment of the suite: the backend that CONFORMANCE_BACKEND names.

import '@tensorflow/tfjs-backend-cpu';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { setTestEnvs } from '@tensorflow/tfjs-core/dist/jasmine_util';
import { nativeBinding } from '../lib/backends/native/index.ts';

const name = process.env.CONFORMANCE_BACKEND;
tf.env().set('IS_TEST', true); // quiets the advice to install tfjs-node

if (name === 'wasm') {
  // Seen from the bundle, build/conformance/suite.mjs.
  const dist = path.resolve(
    import.meta.dirname,
    '../../node_modules/@tensorflow/tfjs-backend-wasm/dist',
  );
  setWasmPaths(`${dist}${path.sep}`);
}

// Two specs on switching backends ask for `cpu` by name, because a concrete one is needed; any would do, as they say. So the
// native backend stands under that name too, with its kernels alone, and every spec of the suite runs on it.
let backendName = name;
if (name === 'native') {
  nativeBinding(); // says why if it cannot be used
  const factory = tf.findBackendFactory('native');
  for (const { kernelName } of tf.getKernelsForBackend('cpu'))
    tf.unregisterKernel(kernelName, 'cpu');
  tf.removeBackend('cpu');
  tf.registerBackend('cpu', factory);
  tf.copyRegisteredKernels('native', 'cpu');
  backendName = 'cpu';
}
setTestEnvs([{ name, backendName, isDataSync: true }]);
