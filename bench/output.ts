// The file of result lines.

import { openSync } from 'node:fs';
import { IoError } from '../lib/node.ts';

/** Opens the file of result lines. @throws IoError with the system's reason */
export function openOutput(file: string): number {
  try {
    return openSync(file, 'w');
  } catch (error) {
    throw new IoError(
      `Cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
