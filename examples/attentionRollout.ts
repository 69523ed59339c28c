// Attention rollout over an image: node --import tsx examples/attentionRollout.ts [FOLDER] [--model NAME] [--checkpoint FILE]
//   [--image FILE]
//
// How much of each patch is in the class token at the end, if attention alone moved information. `--help` lists all flags.

import { runMain } from 'tfjs-vit/node';
import { figureWords } from './support/figureWords.ts';

const words = figureWords('attention_rollout.png', { image: 'data/digit.png' });
await runMain(['explain', '--method', 'rollout', ...words]);
