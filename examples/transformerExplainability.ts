// The patches that speak for a class: node --import tsx examples/transformerExplainability.ts [FOLDER] [--model NAME]
//   [--checkpoint FILE] [--image FILE] [--class-index NUMBER|NAME]
//
// The figure of chapters on explainability: input, map, overlay, and a second class. Without --checkpoint the model is the newest run,
// else the one that is shipped; `--help` lists all flags, among them the methods.

import { runMain } from 'tfjs-vit/node';
import { figureWords } from './support/figureWords.ts';

const words = figureWords('transformer_explainability.png', { image: 'data/digit.png' });
await runMain(['explain', ...words]);
