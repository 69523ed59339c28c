// The rows of a model's layer table, and the sums over them.

import { assertKind } from '../core/kinds.ts';
import { sizeOf } from '../core/check.ts';

/** One line of a model's description. */
export interface LayerRow {
  /** Its name in the state dict: `blocks.0.attn.qkv`. */
  readonly name: string;
  readonly kind: string;
  /** Shape of its result for one image, without the batch axis. */
  readonly output: readonly number[];
  /** Its own parameters by full name, in torch's order. */
  readonly parameters: ReadonlyMap<string, readonly number[]>;
  /** Multiply-adds for one image. */
  readonly macs: number;
}

/**
 * The row of a layer.
 *
 * @param output      shape of its result for one image, without the batch axis
 * @param parameters  shapes of its own parameters by their names within the layer
 * @param macs        multiply-adds for one image
 *
 * @example layerRow('norm', 'LayerNorm', [197, 192], {weight: [192], bias: [192]});
 */
export function layerRow(
  name: string,
  kind: string,
  output: readonly number[],
  parameters: Readonly<Record<string, readonly number[]>>,
  macs = 0,
): LayerRow {
  assertKind('output', output, 'list');
  assertKind('parameters', parameters, 'object');
  const named = Object.entries(parameters).map(
    ([key, shape]) => [`${name}.${key}`, shape] as const,
  );
  return { name, kind, output, parameters: new Map(named), macs };
}

/** The row of a `LayerNorm` over the last axis of `shape`. */
export function layerNormRow(name: string, shape: readonly number[]): LayerRow {
  assertKind('shape', shape, 'list');
  const dim = shape.at(-1)!;
  return layerRow(name, 'LayerNorm', shape, { weight: [dim], bias: [dim] });
}

/** The row of a `Linear` on the last axis of `input`, [..., I] → [..., outFeatures]. */
export function linearRow(
  name: string,
  input: readonly number[],
  outFeatures: number,
  bias = true,
): LayerRow {
  assertKind('input', input, 'list');
  const output = [...input.slice(0, -1), outFeatures];
  const parameters = {
    weight: [outFeatures, input.at(-1)!],
    ...(bias ? { bias: [outFeatures] } : {}),
  };
  return layerRow(name, 'Linear', output, parameters, sizeOf(input) * outFeatures);
}

/** The number of scalars in all parameters of the rows. */
export function sumParameters(rows: readonly LayerRow[]): number {
  let count = 0;
  for (const { parameters } of rows) {
    for (const shape of parameters.values()) count += sizeOf(shape);
  }
  return count;
}

/** The multiply-adds of the rows for one image. */
export function sumMacs(rows: readonly LayerRow[]): number {
  return rows.reduce((sum, { macs }) => sum + macs, 0);
}
