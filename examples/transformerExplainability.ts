// The patches that speak for a class: node --import tsx examples/transformerExplainability.ts [FOLDER] [--model NAME]
//   [--checkpoint FILE] [--image FILE] [--class-index NUMBER|NAME]
//
// The figure of chapters on explainability: input, map, overlay, and a second class. Without --checkpoint the model is the newest run,
// else the one that is shipped; `--help` lists all flags, among them the methods.

import path from 'node:path';
import { runMain } from 'tfjs-vit/node';

const [first = '', ...rest] = process.argv.slice(2);
const folder = first.startsWith('-') || first === '' ? 'imgs' : first;
const flags = folder === first ? rest : process.argv.slice(2);
const given = (name: string) => flags.some((word) => word.startsWith(`--${name}`));
await runMain([
  'explain',
  ...(given('image') ? [] : ['--image', 'data/digit.png']),
  ...(given('output') ? [] : ['--output', path.join(folder, 'transformer_explainability.png')]),
  ...flags,
]);
