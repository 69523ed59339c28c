// The facts of a checkpoint file, for `tfjs-vit inspect`: nothing of a model is built, and nothing in the file is run.

import { isNumericDtype, type Dtype } from '../checkpoints/hostTensor.ts';
import { nonFiniteNames } from '../checkpoints/nonFinite.ts';
import { VitError } from '../core/errors.ts';
import { readCheckpoint } from '../io/checkpointFile.ts';
import { vitLoadReport, vitOptions, vitSizesThatFit } from '../models/familyWeights.ts';
import { outcomeSummary, outcomeTable, type TensorReport } from '../checkpoints/tensorReport.ts';
import { vitConfigOfCheckpoint } from './vitConfigOfCheckpoint.ts';
import type { CheckpointFacts } from '../checkpoints/checkpointFormat.ts';
import type { WeightsChoice } from './trainedModel.ts';

/**
 * The facts of one checkpoint.
 *
 * @property bytes       the length of the file
 * @property elements    in all tensors together
 * @property dtypes      the tensors of each dtype
 * @property metadata    text by key, as the file has it
 * @property says        what the program that wrote the file says of its model
 * @property model       the options of a Vision Transformer that the shapes tell; null for another model
 * @property sizes       named sizes that have these shapes
 * @property notes       the choice among several sets of weights, and what was left out
 * @property globals     classes and functions that a pickle names, all read past
 * @property suspicious  sentences about what a user should look at
 * @property load        what loading would make of every tensor, in the model that is stored with it or named; null where it was not asked
 */
export interface CheckpointFindings {
  file: string;
  format: string;
  bytes: number;
  sha256: string;
  tensors: { name: string; dtype: Dtype; shape: number[] }[];
  elements: number;
  dtypes: Partial<Record<Dtype, number>>;
  metadata: Record<string, string>;
  says: CheckpointFacts | null;
  model: Record<string, unknown> | null;
  sizes: string[];
  notes: readonly string[];
  globals: readonly string[];
  suspicious: string[];
  load: TensorReport[] | null;
}

/**
 * Reads a checkpoint and says what is in it.
 *
 * @param choice.model   the size of a checkpoint that has no configuration, for the report
 * @param choice.report  true: the findings have `load`
 * @throws IoError, CheckpointError, UnsupportedError if it cannot be read; InputError if a report is asked for and nothing names the model
 */
export async function inspectCheckpoint(
  path: string,
  { model: name, report = false, ...choice }: WeightsChoice & { report?: boolean } = {},
): Promise<CheckpointFindings> {
  const read = await readCheckpoint(path, choice);
  const { tensors, metadata, notes = [], globals = [], facts } = read;
  const rows = [...tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  const dtypes: Partial<Record<Dtype, number>> = {};
  for (const { dtype } of rows) dtypes[dtype] = (dtypes[dtype] ?? 0) + 1;
  let model: Record<string, unknown> | undefined;
  const suspicious: string[] = [];
  try {
    model = vitOptions(tensors);
  } catch (error) {
    if (!(error instanceof VitError)) throw error;
    suspicious.push(error.message);
  }
  const bad = nonFiniteNames(tensors);
  if (bad.length > 0) suspicious.push(`NaN or infinity in ${bad.length} tensors: ${some(bad)}.`);
  const zero = rows.filter(({ name }) => isConstantZero(tensors.get(name)!.data, name));
  if (zero.length > 0) {
    suspicious.push(`All zero: ${some(zero.map(({ name }) => name))}.`);
  }
  const odd = rows.filter(({ dtype }) => !isNumericDtype(dtype));
  if (odd.length > 0) {
    suspicious.push(
      `No value in float32: ${some(odd.map(({ name, dtype }) => `${name} (${dtype})`))}.`,
    );
  }
  return {
    file: read.path,
    format: read.format,
    bytes: read.bytes.length,
    sha256: read.sha256,
    tensors: rows,
    elements: rows.reduce((sum, { shape }) => sum + shape.reduce((p, size) => p * size, 1), 0),
    dtypes,
    metadata: Object.fromEntries(metadata),
    says: facts ?? null,
    model: model ?? null,
    sizes: model === undefined ? [] : vitSizesThatFit(tensors),
    notes,
    globals,
    suspicious,
    load: report ? vitLoadReport(tensors, vitConfigOfCheckpoint(read, name, true)!) : null,
  };
}

// A matrix of zeros was never trained; vectors of zeros, such as biases, are usual.
function isConstantZero(data: ArrayLike<number | bigint>, name: string): boolean {
  if (data.length < 2 || !name.endsWith('weight')) return false;
  for (let i = 0; i < data.length; i += 1) if (Number(data[i]) !== 0) return false;
  return true;
}

function some(names: readonly string[]): string {
  const more = names.length > 4 ? ` and ${names.length - 4} more` : '';
  return names.slice(0, 4).join(', ') + more;
}

/** The findings as lines for a person. @param all  true: every tensor, else their number */
export function findingLines(found: CheckpointFindings, all: boolean): string[] {
  const { model, sizes, says } = found;
  const kinds = Object.entries(found.dtypes).map(([dtype, count]) => `${count} ${dtype}`);
  const lines = [
    `file        ${found.file}`,
    `format      ${found.format}, ${found.bytes.toLocaleString('en')} bytes`,
    `sha256      ${found.sha256}`,
    `tensors     ${found.tensors.length} (${kinds.join(', ')}), ${found.elements.toLocaleString('en')} elements`,
    `model       ${model === null ? 'none that is known here' : described(model)}`,
  ];
  if (sizes.length > 0) lines.push(`shapes of   ${some(sizes)}`);
  if (says?.model !== undefined) lines.push(`says        its model is ${says.model}`);
  for (const [key, text] of Object.entries(found.metadata)) {
    lines.push(`metadata    ${key}: ${text.length > 70 ? `${text.slice(0, 70)}…` : text}`);
  }
  for (const note of found.notes) lines.push(`note        ${note}`);
  if (found.globals.length > 0) {
    lines.push(`pickle      names ${some(found.globals)}; nothing of it was run`);
  }
  for (const text of found.suspicious) lines.push(`suspicious  ${text}`);
  if (found.load !== null) {
    lines.push('', ...outcomeTable(found.load), outcomeSummary(found.load));
  }
  if (!all) return lines;
  const width = Math.max(...found.tensors.map(({ name }) => name.length), 0);
  return [
    ...lines,
    '',
    ...found.tensors.map(
      ({ name, dtype, shape }) =>
        `${name.padEnd(width)}  ${dtype.padEnd(4)}  [${shape.join(', ')}]`,
    ),
  ];
}

function described(model: Record<string, unknown>): string {
  const { embedDim, depth, patchSize, imageSize, inChannels, numClasses, regTokens } = model;
  const sides = (value: unknown) => (value as number[]).join(' × ');
  return [
    `Vision Transformer, width ${String(embedDim)}, depth ${String(depth)}`,
    `patches of ${sides(patchSize)}`,
    ...(imageSize === undefined ? [] : [`images of ${sides(imageSize)} × ${String(inChannels)}`]),
    Number(numClasses) === 0 ? 'no classes' : `${String(numClasses)} classes`,
    ...(model['distilled'] === true ? ['distilled'] : []),
    ...(Number(regTokens) > 0 ? [`${String(regTokens)} registers`] : []),
  ].join(', ');
}
