// npm run train:imagenet: `tfjs-vit train` with the experiment of this folder, or a named recipe. Flags after -- win over it.

import { fileURLToPath } from 'node:url';
import { runMain } from '../lib/node.ts';

const words = process.argv.slice(2);
const config = fileURLToPath(new URL('config.ts', import.meta.url));
// A run that goes on has its own config, and a recipe of the library is one.
const given = words.some((word) => /^--(resume|config|recipe|help)(=|$)/.test(word));
await runMain(['train', ...(given ? [] : ['--config', config]), ...words]);
