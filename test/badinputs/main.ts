// `npm run badinputs`: images, checkpoints, configurations, flags and calls that are wrong, odd or hostile.

import { runSuite } from '../suites/run.ts';
import { badInputRows } from './rows.ts';

await runSuite('badinputs', badInputRows);
