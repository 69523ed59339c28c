// The model of a recipe that begins with a checkpoint.

import type { ExperimentConfig } from './experiment.ts';

const rates = /^(drop|posDrop|projDrop|attnDrop|patchDrop|dropPath)Rate$/;

/**
 * A recipe of the library for a model whose options come from a checkpoint: of its own model only the drop rates stay.
 *
 * @example fromCheckpoint(recipeNamed('deit')).model;   // {dropPathRate: 0.1}
 */
export function fromCheckpoint(recipe: ExperimentConfig): Record<string, unknown> {
  const kept = Object.entries(recipe.model).filter(([name]) => rates.test(name));
  return { ...recipe, model: Object.fromEntries(kept) };
}
