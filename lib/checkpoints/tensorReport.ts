// The outcome of every tensor of a checkpoint that was brought to a model.

import { assertKind } from '../core/kinds.ts';
import type { HostTensor } from './hostTensor.ts';

/**
 * The ways a tensor of a checkpoint, or a parameter of a model, can end.
 *
 * loaded: taken as it is · converted: taken under another name, dtype or layout · resampled: of another size, brought to the model's ·
 * dropped: not taken · missing: a parameter that the checkpoint does not have, or not in its shape
 */
export type TensorOutcome = 'loaded' | 'converted' | 'resampled' | 'dropped' | 'missing';

/** Every outcome, in the order of a summary. */
export const tensorOutcomes: readonly TensorOutcome[] = [
  'loaded',
  'converted',
  'resampled',
  'dropped',
  'missing',
];

/**
 * The outcome of one tensor.
 *
 * @property name     the parameter; of a dropped tensor its name in the checkpoint
 * @property from     its shape in the checkpoint, where the outcome is not `loaded`
 * @property to       the shape of the parameter, where the outcome is not `loaded` and there is one
 * @property detail   what was converted, or why it was dropped
 */
export interface TensorReport {
  readonly name: string;
  readonly outcome: TensorOutcome;
  readonly from?: readonly number[];
  readonly to?: readonly number[];
  readonly detail?: string;
}

/** A change that a family tells while it adapts a checkpoint: a tensor that it leaves out, or one whose size it changes. */
export interface AdaptChange {
  readonly name: string;
  readonly outcome: 'dropped' | 'resampled';
  readonly from?: readonly number[];
  readonly to?: readonly number[];
}

type Tensors = ReadonlyMap<string, HostTensor>;

/**
 * The outcome of every tensor and of every parameter, in the order of the model, dropped tensors last.
 *
 * @param given    the tensors of the checkpoint, by its names
 * @param adapted  the same, as the model's family adapted them
 * @param shapes   of the model's parameters and buffers
 * @param changes  that the family told
 */
export function tensorReports(
  given: Tensors,
  adapted: Tensors,
  shapes: ReadonlyMap<string, { readonly shape: readonly number[] } | readonly number[]>,
  changes: readonly AdaptChange[] = [],
): TensorReport[] {
  assertKind('shapes', shapes, 'map');
  const sources = new Map([...given].map(([name, { data }]) => [data, name]));
  const resampled = new Map(
    changes.flatMap((change) => (change.outcome === 'resampled' ? [[change.name, change]] : [])),
  );
  const rows: TensorReport[] = [];
  const dropped: TensorReport[] = changes
    .filter(({ outcome }) => outcome === 'dropped')
    .map(({ name }) => {
      const from = given.get(name)?.shape;
      const detail = 'no part of the model';
      return { name, outcome: 'dropped', ...(from && { from }), detail };
    });
  for (const [name, value] of shapes) {
    const to = 'shape' in value ? value.shape : value;
    const tensor = adapted.get(name);
    if (tensor === undefined) {
      rows.push({ name, outcome: 'missing', to });
      continue;
    }
    if (tensor.shape.join() !== to.join()) {
      dropped.push({ name, outcome: 'dropped', from: tensor.shape, to, detail: 'another shape' });
      rows.push({ name, outcome: 'missing', to });
      continue;
    }
    const change = resampled.get(name);
    if (change) {
      rows.push({ name, outcome: 'resampled', from: change.from!, to });
      continue;
    }
    const detail = conversion(name, tensor, sources.get(tensor.data));
    const from = given.get(sources.get(tensor.data) ?? name)?.shape;
    rows.push(
      detail === ''
        ? { name, outcome: 'loaded' }
        : { name, outcome: 'converted', ...(from && { from }), to, detail },
    );
  }
  for (const [name, { shape }] of adapted) {
    if (shapes.has(name)) continue;
    const detail = 'the model has no such parameter';
    dropped.push({ name, outcome: 'dropped', from: shape, detail });
  }
  return [...rows, ...dropped];
}

function conversion(name: string, { dtype }: HostTensor, source: string | undefined): string {
  const parts = [
    ...(source === undefined ? ['joined, split or turned'] : source === name ? [] : [`was ${source}`]),
    ...(dtype === 'F32' || dtype === 'I64' || dtype === 'I32' ? [] : [`${dtype} to F32`]),
  ]; // prettier-ignore
  return parts.join(', ');
}

/** How many tensors ended how, as one sentence: `120 loaded, 2 resampled, 1 missing.` */
export function outcomeSummary(rows: readonly TensorReport[]): string {
  assertKind('the report', rows, 'list');
  const counts = tensorOutcomes.flatMap((outcome) => {
    const count = rows.filter((row) => row.outcome === outcome).length;
    return count === 0 ? [] : [`${count} ${outcome}`];
  });
  return `Tensors: ${counts.length === 0 ? 'none' : counts.join(', ')}.`;
}

/** The report as a table, a line for each tensor. */
export function outcomeTable(rows: readonly TensorReport[]): string[] {
  assertKind('the report', rows, 'list');
  const shape = (dims: readonly number[] | undefined) => (dims ? `[${dims.join(', ')}]` : '');
  const cells = [
    ['outcome', 'tensor', 'from', 'to', ''],
    ...rows.map(({ name, outcome, from, to, detail = '' }) => [outcome, name, shape(from), shape(to), detail]),
  ]; // prettier-ignore
  const widths = [0, 1, 2, 3].map((i) => Math.max(...cells.map((row) => row[i]!.length)));
  return cells.map((row) => row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ').trimEnd()); // prettier-ignore
}
