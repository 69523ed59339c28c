// npm run train:mnist: `tfjs-vit train` with the experiment of this folder. Flags after -- win over it.

import { fileURLToPath } from 'node:url';
import { runMain } from '../lib/node.ts';

const words = process.argv.slice(2);
const config = fileURLToPath(new URL('config.ts', import.meta.url));
await runMain(['train', '--config', config, ...words]);
