// npm run eval:mnist: `tfjs-vit eval`, of the shipped model unless --checkpoint says otherwise.

import { runMain } from '../lib/node.ts';

await runMain(['eval', ...process.argv.slice(2)]);
