// The position embedding that a model has learned: node --import tsx examples/positionEmbedding.ts [FOLDER] [--model NAME]
//   [--checkpoint FILE]
//
// One small map for each patch, at the patch's place: the cosine similarity of its position embedding with those of all patches.
// In a trained model a patch is like its neighbours, its row and its column (Dosovitskiy et al. 2021, figure 7). In code it is
// `positionSimilarity(model)` and `positionSheet({ matrix, gridSize })`.

import { runMain } from 'tfjs-vit/node';
import { figureWords } from './support/figureWords.ts';

await runMain(['positions', ...figureWords('position_embedding.png')]);
