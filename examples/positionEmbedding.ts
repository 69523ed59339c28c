// The position embedding that a model has learned: node --import tsx examples/positionEmbedding.ts [FOLDER] [--model NAME]
//   [--checkpoint FILE]
//
// One small map for each patch, at the patch's place: the cosine similarity of its position embedding with those of all patches.
// In a trained model a patch is like its neighbours, its row and its column (Dosovitskiy et al. 2021, figure 7). In code it is
// `positionSimilarity(model)` and `positionSheet({ matrix, gridSize })`.

import path from 'node:path';
import { runMain } from 'tfjs-vit/node';

const [first = '', ...rest] = process.argv.slice(2);
const folder = first.startsWith('-') || first === '' ? 'imgs' : first;
const flags = folder === first ? rest : process.argv.slice(2);
const given = flags.some((word) => word.startsWith('--output'));
await runMain([
  'positions',
  ...(given ? [] : ['--output', path.join(folder, 'position_embedding.png')]),
  ...flags,
]);
