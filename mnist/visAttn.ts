// What a model of MNIST attends to in a digit: `npm run vis:mnist -- --image-path 7`. The same as `tfjs-vit vis`.

import { runProgram } from '../lib/node.ts';

process.exitCode = await runProgram(['vis', ...process.argv.slice(2)]);
