// The files of a run folder, which are written after an epoch or a stop and read to resume.

import type * as tf from '@tensorflow/tfjs';
import { instructionSet } from '../ops/instructionSet.ts';
import * as t from '../ops/tensor.ts';
import { parseConfigJson } from '../checkpoints/configFile.ts';
import { hostTensorOf } from '../checkpoints/hostTensor.ts';
import type { HostTensor } from '../checkpoints/hostTensor.ts';
import { nonFiniteNames } from '../checkpoints/nonFinite.ts';
import { formatSafetensors, parseSafetensors } from '../checkpoints/safetensors.ts';
import { CheckpointError, InputError, expected } from '../core/errors.ts';
import { decodeUtf8 } from '../core/utf8.ts';
import type { EpochLog } from '../core/runSink.ts';
import type { FileStore } from '../core/store.ts';
import { formatLog, formatState, parseState } from './runState.ts';
import type { RunState } from './runState.ts';

/** The names in a run folder. Checkpoints hold weights alone, under timm's names; the state holds the rest. */
export const runFileNames = {
  config: 'config.json',
  log: 'log.jsonl',
  metrics: 'metrics.csv',
  weights: 'checkpoint.safetensors',
  average: 'checkpoint.ema.safetensors',
  best: 'best_checkpoint.safetensors',
  state: 'checkpoint.state.safetensors',
  test: 'test.json',
} as const;

const stateVersion = '1';

// A longer log is refused before it is read: 100,000 epochs are shorter.
const maxLogBytes = 2 ** 26;

/**
 * The parts of a run that are written.
 *
 * @property config   plain data: the config of the run, with everything that a resumed run must agree with; its `model` goes into
 *                    the metadata of the weights, so that one file is enough to build and load the model
 * @property columns  the columns of the table of epochs: `logColumns`
 * @property average  the moving average; undefined without one
 * @property moments  the optimizer's state
 */
export interface RunContent {
  config: Readonly<Record<string, unknown>>;
  state: RunState;
  columns: readonly string[];
  weights: ReadonlyMap<string, tf.Tensor>;
  average: ReadonlyMap<string, tf.Tensor> | undefined;
  moments: ReadonlyMap<string, tf.Tensor>;
}

/** The content of a run folder. `backend`, `isa`: the backend and the instruction set that it was saved on, where they are known. */
export interface StoredRun {
  backend: string | undefined;
  isa: string | undefined;
  config: Record<string, unknown>;
  state: RunState;
  weights: Map<string, HostTensor>;
  average: Map<string, HostTensor> | undefined;
  moments: Map<string, HostTensor>;
}

/**
 * The files of the present state of a run.
 *
 * @param isBest  the evaluated weights (the average if there is one, but for `deitCompat`) are the best so far: also write them as
 *                the best checkpoint
 */
export async function runFiles(
  { config, state, columns, weights, average, moments }: RunContent,
  { isBest }: { isBest: boolean },
): Promise<Map<string, Uint8Array | string>> {
  const { model } = config;
  const files = new Map<string, Uint8Array | string>([
    [runFileNames.config, `${JSON.stringify(config, null, 2)}\n`],
    [runFileNames.log, formatLog(state)],
    [runFileNames.metrics, metricsCsv(state.log, columns)],
    [runFileNames.weights, await weightBytes(weights, model)],
  ]);
  if (average !== undefined) files.set(runFileNames.average, await weightBytes(average, model));
  if (isBest) {
    const evaluated = config['deitCompat'] === true ? undefined : files.get(runFileNames.average);
    files.set(runFileNames.best, evaluated ?? files.get(runFileNames.weights)!);
  }
  const isa = instructionSet();
  const metadata = {
    version: stateVersion,
    backend: t.getBackend(),
    ...(isa !== undefined && { isa }),
    // Options of stopping and saving do not belong to the identity of a run.
    config: JSON.stringify({
      ...config,
      maxSteps: null,
      checkpointSteps: null,
      checkpointMinutes: null,
    }),
    state: formatState(state),
  };
  files.set(runFileNames.state, formatSafetensors(await download(moments), metadata));
  return files;
}

/**
 * Reads what `runFiles` wrote, every file checked.
 *
 * @throws CheckpointError if a file is damaged, incomplete, of a newer version, or holds a NaN or an infinity;
 *   InputError if there is no run
 */
export async function readRun(store: FileStore): Promise<StoredRun> {
  if (!(await store.has(runFileNames.state))) {
    const remedy = 'Give the folder of a run, or start one without resuming.';
    throw new InputError(
      expected('a run to go on with', runFileNames.state, store.location, remedy),
    );
  }
  const bytesOf = (name: string, options?: { maxBytes: number }) =>
    store.readChecked?.(name, options) ?? store.read(name, options);
  const read = async (name: string) => {
    const bytes = await bytesOf(name);
    const parsed = parseSafetensors(bytes, `${store.location}/${name}`);
    const [bad] = nonFiniteNames(parsed.tensors);
    if (bad !== undefined) {
      throw new CheckpointError(
        expected('finite values', `${store.location}/${name}`, `NaN or infinity in ${bad}`),
      );
    }
    return parsed;
  };
  const { tensors: moments, metadata } = await read(runFileNames.state);
  const place = `${store.location}/${runFileNames.state}`;
  const version = metadata.get('version');
  if (version !== stateVersion) {
    throw new CheckpointError(expected(`version ${stateVersion}`, place, version ?? 'none'));
  }
  const log = decodeUtf8(
    await bytesOf(runFileNames.log, { maxBytes: maxLogBytes }),
    `${store.location}/${runFileNames.log}`,
  );
  const state = parseState(metadata.get('state') ?? '', log, place);
  const config = parseConfigJson(metadata.get('config') ?? '', place);
  const { tensors: weights } = await read(runFileNames.weights);
  // A damaged best checkpoint is told now, not at the end of the run, which evaluates it.
  await read(runFileNames.best);
  if (state.test !== null) await bytesOf(runFileNames.test);
  const hasAverage = config['ema'] != null;
  const average = hasAverage ? (await read(runFileNames.average)).tensors : undefined;
  const [backend, isa] = [metadata.get('backend'), metadata.get('isa')];
  return { backend, isa, config, state, weights, average, moments };
}

/** The log as a table: a line of names, then a line for each epoch. A field without a measurement is empty. */
function metricsCsv(log: readonly EpochLog[], names: readonly string[]): string {
  const lines = log.map((entry) => names.map((name) => cell(entry[name])).join(','));
  return `${[names.join(','), ...lines].join('\n')}\n`;
}

function cell(value: unknown): string {
  return Number.isFinite(value) ? String(value) : '';
}

async function weightBytes(
  weights: ReadonlyMap<string, tf.Tensor>,
  model: unknown,
): Promise<Uint8Array> {
  // PyTorch's libraries refuse a file that does not name its format.
  const metadata = { format: 'pt', ...(model == null ? {} : { config: JSON.stringify(model) }) };
  return formatSafetensors(await download(weights), metadata);
}

async function download(tensors: ReadonlyMap<string, tf.Tensor>): Promise<Map<string, HostTensor>> {
  const out = new Map<string, HostTensor>();
  for (const [name, tensor] of tensors) {
    out.set(name, hostTensorOf(tensor, await tensor.data()));
  }
  return out;
}
