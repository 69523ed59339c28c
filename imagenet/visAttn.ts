// npm run vis:imagenet: `tfjs-vit vis`, what a model attends to in an image. --image-path, --model-path and --output-path choose them.

import { runMain } from '../lib/node.ts';

const words = process.argv.slice(2);
const given = words.some((word) => /^--image([-_]path)?(=|$)/.test(word));
await runMain(['vis', ...(given ? [] : ['--image', 'data/digit.png']), ...words]);
