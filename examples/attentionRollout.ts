// Attention rollout over an image: node --import tsx examples/attentionRollout.ts [FOLDER] [--model NAME] [--checkpoint FILE]
//   [--image FILE]
//
// How much of each patch is in the class token at the end, if attention alone moved information. `--help` lists all flags.

import path from 'node:path';
import { runMain } from 'tfjs-vit/node';

const [first = '', ...rest] = process.argv.slice(2);
const folder = first.startsWith('-') || first === '' ? 'imgs' : first;
const flags = folder === first ? rest : process.argv.slice(2);
const given = (name: string) => flags.some((word) => word.startsWith(`--${name}`));
await runMain([
  'explain',
  '--method',
  'rollout',
  ...(given('image') ? [] : ['--image', 'data/digit.png']),
  ...(given('output') ? [] : ['--output', path.join(folder, 'attention_rollout.png')]),
  ...flags,
]);
