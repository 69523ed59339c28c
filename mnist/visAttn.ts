// npm run vis:mnist: `tfjs-vit vis`, what a model attends to in a digit: `npm run vis:mnist -- --image-path 7`.

import { runMain } from '../lib/node.ts';

await runMain(['vis', ...process.argv.slice(2)]);
