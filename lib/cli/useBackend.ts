// Sets the backend that the flags ask for, and says which.

import { selectBackend } from '../backends/select.ts';
import type { Precision } from '../core/precision.ts';
import type { BackendOptions } from '../backends/select.ts';
import type { Terminal } from './command.ts';

/**
 * Sets the backend that the flags ask for and says in one line which and why; in another, a precision that is not the usual one.
 *
 * @returns its name
 */
export async function useBackend(
  { precision = 'fp32', ...options }: BackendOptions & { precision?: Precision },
  terminal: Terminal,
): Promise<string> {
  const { name, reason, warnings, fastBf16 } = await selectBackend(options);
  terminal.error(reason);
  for (const warning of warnings) terminal.error(warning);
  if (precision === 'bf16') {
    const slow = fastBf16 ? '' : ' This backend and processor multiply it no faster than float32.';
    terminal.error(
      `Precision bf16: operands of products are rounded to bfloat16; all else is float32.${slow}`,
    );
  }
  return name;
}
