// `npm run faults`: what goes wrong around a process while it works: signals, disks, memory, numbers, backends.

import { runSuite } from '../suites/run.ts';
import { faultRows } from './rows.ts';

await runSuite('faults', faultRows);
