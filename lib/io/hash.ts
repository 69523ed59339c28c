// SHA-256 of a file or a text.

import { createHash } from 'node:crypto';
import { InputError, expected } from '../core/errors.ts';

/** The SHA-256 of bytes, or of a text in UTF-8, as 64 hexadecimal digits. */
export function sha256(bytes: Uint8Array | string): string {
  if (typeof bytes !== 'string' && !ArrayBuffer.isView(bytes)) {
    throw new InputError(expected('bytes or a text', 'sha256', bytes));
  }
  return createHash('sha256').update(bytes).digest('hex');
}
