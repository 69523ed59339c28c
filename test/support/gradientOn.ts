// node --import tsx test/support/gradientOn.ts BACKEND: prints the backend's name and a gradient, or an error's code and message,
// as JSON. For backends whose native libraries want a process of their own.

import * as tf from '@tensorflow/tfjs';
import { selectBackend } from '../../lib/backends/select.ts';
import { VitError } from '../../lib/core/errors.ts';

try {
  const { name } = await selectBackend({ backend: process.argv[2] });
  const gradient = tf.grad((x) => tf.sum(tf.mul(tf.softmax(tf.matMul(x, x)), x)));
  const values = await gradient(
    tf.tensor2d([
      [1, 2],
      [3, 4],
    ]),
  ).data();
  console.log(JSON.stringify([name, ...values]));
} catch (error) {
  if (!(error instanceof VitError)) throw error;
  console.log(JSON.stringify([error.code, error.message]));
}
