// npm run train:mnist: `tfjs-vit train` with the experiment of this folder. Flags after -- win over it.

import { fileURLToPath } from 'node:url';
import { runMain } from '../lib/node.ts';

const words = process.argv.slice(2);
const config = fileURLToPath(new URL('config.ts', import.meta.url));
// A run that goes on has its own config.
const given = words.some((word) => /^--(resume|config|help)(=|$)/.test(word));
await runMain(['train', ...(given ? [] : ['--config', config]), ...words]);
