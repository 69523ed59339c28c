// The door `tfjs-vit/native` of a user's program: importing it registers the backend `native` with tfjs, or says in one line why not.

import { nativeUnavailableReason } from './index.ts';

export { nativeBinding, nativeInfo, nativeUnavailableReason, setThreads } from './index.ts';

const reason = nativeUnavailableReason();
// Otherwise a program would go on in plain JavaScript, and nobody would know why it is slow.
if (reason !== undefined) {
  console.warn(
    `tfjs-vit: ${reason} Until then TensorFlow.js takes another backend, and plain JavaScript is over a hundred times slower.`,
  );
}
