// npm run eval:mnist: `tfjs-vit eval`, of the newest run on MNIST, else of the shipped model, unless --checkpoint says otherwise.

import { runMain } from '../lib/node.ts';

await runMain(['eval', '--dataset', 'mnist', ...process.argv.slice(2)]);
