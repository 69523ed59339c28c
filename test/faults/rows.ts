// All rows of `npm run faults`, in the order of the list of attacks.

import { diskRows } from './disks.ts';
import { fileRows } from './files.ts';
import { goingOnRows } from './goingOn.ts';
import { limitRows } from './limits.ts';
import { memoryRows } from './memory.ts';
import { numberRows } from './numbers.ts';
import { processRows } from './processes.ts';
import { inOrder } from '../suites/row.ts';
import type { Row } from '../suites/row.ts';

/** The rows on faults. */
export const faultRows: readonly Row[] = inOrder([
  ...processRows,
  ...diskRows,
  ...fileRows,
  ...goingOnRows,
  ...numberRows,
  ...memoryRows,
  ...limitRows,
]);
