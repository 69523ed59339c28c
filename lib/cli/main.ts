#!/usr/bin/env node
// The tfjs-vit command. Everything it does is in program.ts and commands/.

import { runMain } from './program.ts';

await runMain(process.argv.slice(2));
