// npm run vis:mnist: `tfjs-vit vis`, with the shipped model unless --model-path says otherwise.

import { runMain } from '../lib/node.ts';

await runMain(['vis', ...process.argv.slice(2)]);
