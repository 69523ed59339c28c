// npm run vis:mnist: `tfjs-vit vis`, what the newest run on MNIST, else the shipped model, attends to in a digit.

import { runMain } from '../lib/node.ts';

await runMain(['vis', '--dataset', 'mnist', ...process.argv.slice(2)]);
