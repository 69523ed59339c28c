// The layers of a configuration of any family, and the numbers that follow from them.

import { parsedModel } from './createModel.ts';
import { formatLayers } from './formatLayers.ts';
import { sumMacs, sumParameters, type LayerRow } from './layerRow.ts';

/**
 * Every layer of a model in the order of its state dict.
 *
 * A family that computes its table from the configuration allocates nothing for it, so a model too large for the machine can be
 * looked at; of another family a model is built and disposed again.
 *
 * Counted are the products of matrices: of the patches, of every linear layer, of queries with keys, of attention with values.
 *
 * @param config  in any vocabulary of its family, as for `buildModel`
 * @throws InputError if no model can be built of it
 */
export function layerTable(config: object): readonly LayerRow[] {
  const { family, config: complete } = parsedModel(config);
  if (family.layerTable !== undefined) return family.layerTable(complete);
  const model = family.build(complete, { initialize: false, onWarning: () => undefined });
  try {
    return model.layerTable();
  } finally {
    model.dispose();
  }
}

/** The parameters of a model by name, in torch's order, without building it. */
export function parameterShapes(config: object): Map<string, readonly number[]> {
  return new Map(layerTable(config).flatMap(({ parameters }) => [...parameters]));
}

/** The number of scalars in all parameters of a model, without building it. */
export function countParameters(config: object): number {
  return sumParameters(layerTable(config));
}

/** Multiply-adds of one forward pass for one image, in 10⁹: the GMACs that tables of models print. */
export function gigaMacs(config: object): number {
  return sumMacs(layerTable(config)) / 1e9;
}

/**
 * A model as a table of layers, shapes of their results, parameters and FLOPs for one image, with the totals; see `layerTable`.
 *
 * @example console.log(summarize({embedDim: 192, numHeads: 3}));
 */
export function summarize(config: object): string {
  const { family, config: complete } = parsedModel(config);
  return formatLayers(layerTable(config), family.warnings?.(complete));
}
