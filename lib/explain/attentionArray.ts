// Attention probabilities as plain numbers: read from a capture, and checked.

import { assertFields, assertKind, assertMethods } from '../core/kinds.ts';
import type { Capture } from '../core/capture.ts';
import { assertInteger, assertOneOf } from '../core/check.ts';
import { InputError, ShapeError, expected } from '../core/errors.ts';
import type { TokenLayout } from '../core/tokenLayout.ts';

/**
 * The attention of one layer, or its gradient, as plain numbers: [B, h, N, N], `data[((b·h + head)·N + query)·N + key]`.
 *
 * @property layout  the places of the patches among the tokens, of the pass that it was captured in
 */
export interface AttentionArray {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
  readonly layout?: TokenLayout | undefined;
}

/**
 * The attention of every layer that a forward pass captured, first layer first, with the layout of the tokens in that pass.
 *
 * @param kind  attn_probs: the softmax, rows sum to 1; attn_grad: the gradient of a logit with respect to it
 * @throws InputError if the capture holds none: ask for it with `new Capture(['blocks.*.attn_probs'])`
 */
export async function readAttention(
  capture: Capture,
  kind: 'attn_probs' | 'attn_grad' = 'attn_probs',
): Promise<AttentionArray[]> {
  assertMethods('a Capture', 'capture', capture, ['entries']);
  assertOneOf('kind', kind, ['attn_probs', 'attn_grad']);
  assertKind('what the capture kept', capture.entries(), 'map');
  const layers = [...capture.entries()].filter(
    ([name]) => /^blocks\.\d+\.[^.]*$/.test(name) && name.endsWith(`.${kind}`),
  );
  const { layout } = capture;
  if (layers.length === 0) {
    throw new InputError(
      expected(`tensors blocks.*.${kind}`, 'capture', [...capture.entries().keys()]),
    );
  }
  layers.sort(([a], [b]) => layerOf(a) - layerOf(b));
  return Promise.all(
    layers.map(async ([, tensor]) => ({
      shape: tensor.shape,
      data: (await tensor.data()) as Float32Array,
      ...(layout && { layout }),
    })),
  );
}

/**
 * Throws unless there is at least one layer, all have one shape [B, h, N, N], and `batchIndex` is one of its images.
 *
 * @returns that shape
 */
export function assertAttention(
  name: string,
  layers: readonly AttentionArray[],
  batchIndex: number,
): { heads: number; tokens: number } {
  assertKind(name, layers, 'list');
  layers.forEach((layer, i) =>
    assertFields(`${name}[${i}]`, layer, { shape: 'list', data: 'array' }),
  );
  const first = layers[0];
  if (first === undefined) throw new InputError(expected('at least one layer', name, []));
  const [batch = 0, heads = 0, tokens = 0] = first.shape;
  for (const [i, { shape, data }] of layers.entries()) {
    const wanted = [batch, heads, tokens, tokens];
    const fits = shape.length === 4 && shape.every((size, axis) => size === wanted[axis]);
    if (!fits || data.length !== batch * heads * tokens * tokens) {
      throw new ShapeError(
        expected(`shape [B, h, N, N] like layer 0`, `${name}[${i}]`, [...shape]),
      );
    }
  }
  if (heads < 1 || tokens < 1) {
    throw new ShapeError(expected('at least one head and one token', name, [...first.shape]));
  }
  if (batch === 0) throw new ShapeError(expected('at least one image', name, [...first.shape]));
  assertInteger('batchIndex', batchIndex, { min: 0, max: batch - 1 });
  return { heads, tokens };
}

function layerOf(name: string): number {
  return Number(name.split('.')[1]);
}
