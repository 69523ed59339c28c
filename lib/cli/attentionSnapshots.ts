// Snapshots of a training for `--snapshots`: the maps of a few fixed images, and position embeddings, epoch by epoch.

import { jsonOrUndefined } from '../core/json.ts';
import { thumbnailOf } from '../io/thumbnail.ts';
import { classLabel, percent } from '../core/format.ts';
import { isRecord } from '../core/check.ts';
import { decodeUtf8 } from '../core/utf8.ts';
import { preprocessImage, type Preprocessing } from '../data/preprocessing.ts';
import { assertAttentionModel } from '../explain/attentionModel.ts';
import { described } from '../explain/explain.ts';
import { positionSimilarity } from '../explain/positionSimilarity.ts';
import { relevance } from '../explain/relevance.ts';
import { rolloutMaps } from '../explain/rolloutMaps.ts';
import * as t from '../ops/tensor.ts';
import { snapshotEpoch, snapshotName } from '../training/snapshots.ts';
import type { Dataset } from '../data/dataset.ts';
import type { FileStore } from '../core/store.ts';
import type { Model } from '../models/model.ts';
import { overlaid } from '../report/formingAttention.ts';
import type {
  AttentionSnapshot,
  FormingAttention,
  FormingPicture,
} from '../report/formingAttention.ts';

const mostProbes = 4;
const mostShown = 7;
const maxSnapshotBytes = 2 ** 24;

/** An image that is looked at after every so many epochs: the first of its class in a part of the data. */
interface Probe {
  index: number;
  label: number;
}

/** The first image of each of the first classes of a data set, at most four. */
export function probesOf(dataset: Dataset): Probe[] {
  const probes: Probe[] = [];
  for (let index = 0; index < dataset.length && probes.length < mostProbes; index += 1) {
    const label = dataset.label(index);
    if (probes.every((probe) => probe.label !== label)) probes.push({ index, label });
  }
  return probes;
}

/**
 * The function that `train` calls for a snapshot: rollout and relevance of the true class for every probe, its probability, and what
 * the position embeddings of nine patches have in common with all.
 *
 * @throws InputError if the model has no attention over patches
 */
export async function attentionSnapshots(
  model: Model,
  dataset: Dataset,
  preprocessing: Preprocessing,
): Promise<(epoch: number) => Promise<string>> {
  assertAttentionModel(model);
  const probes = probesOf(dataset);
  const pixels: Float32Array[] = [];
  for (const { index } of probes) {
    pixels.push(preprocessImage(await dataset.image(index), preprocessing).pixels);
  }
  const [height, width] = preprocessing.size;
  const channels = model.inputShape[2];
  return async (epoch) => {
    const found: AttentionSnapshot['probes'] = [];
    for (const [i, { index, label }] of probes.entries()) {
      const images = t.tensor4d(pixels[i]!, [1, height, width, channels]);
      try {
        const why = await relevance(model, images, { target: label });
        const rolled = await rolloutMaps(model, images, { target: label });
        const { target, index: predicted } = described(why, undefined);
        found.push({
          index,
          label,
          predicted,
          probability: target.probability,
          gridSize: [why.maps[0]!.height, why.maps[0]!.width],
          rollout: rounded(rolled.maps[0]!.data),
          relevance: rounded(why.maps[0]!.data),
        });
      } finally {
        images.dispose();
      }
    }
    const snapshot: AttentionSnapshot = {
      schema: 'vit-snapshot/1',
      epoch,
      probes: found,
      positions: await positionsOf(model),
    };
    return `${JSON.stringify(snapshot)}\n`;
  };
}

// Nine patches spread over the grid; undefined where the position embedding is not learned.
async function positionsOf(model: Model): Promise<AttentionSnapshot['positions']> {
  if (!model.namedParameters().has('pos_embed')) return undefined;
  const { matrix, gridSize } = await positionSimilarity(model);
  const [rows, columns] = gridSize;
  const places = (count: number) =>
    [...new Set([0, Math.floor((count - 1) / 2), count - 1])].filter((at) => at >= 0);
  const chosen = places(rows).flatMap((r) => places(columns).map((c) => r * columns + c));
  return {
    gridSize: [rows, columns],
    patches: chosen.map((patch) => ({
      patch,
      similarity: rounded(matrix.data.subarray(patch * matrix.width, (patch + 1) * matrix.width)),
    })),
  };
}

// Five digits are more than a picture shows.
function rounded(values: ArrayLike<number>): number[] {
  return Array.from(values, (value) => Number(value.toPrecision(5)));
}

/**
 * Reads the snapshots of a run folder, with the pictures of their probes; undefined where it has none.
 *
 * A snapshot of an epoch that the run has not finished, or that does not hold what a snapshot holds, is left out.
 */
export async function readSnapshots(
  store: FileStore,
  dataset: Dataset,
  preprocessing: Preprocessing,
  epochs: number,
): Promise<FormingAttention | undefined> {
  const names = (await store.names?.()) ?? [];
  const numbers = names.flatMap((name) => snapshotEpoch(name) ?? []).sort((a, b) => a - b);
  const snapshots: AttentionSnapshot[] = [];
  for (const epoch of numbers.filter((one) => one <= epochs)) {
    const bytes = await store.read(snapshotName(epoch), { maxBytes: maxSnapshotBytes });
    const value = jsonOrUndefined(decodeUtf8(bytes, `${store.location}/${snapshotName(epoch)}`));
    if (isSnapshot(value)) snapshots.push(value);
  }
  const [first] = snapshots;
  if (first === undefined || !first.probes.every(({ index }) => index < dataset.length)) {
    return undefined;
  }
  const shown = spread(snapshots, mostShown);
  const rows = { relevance: [] as FormingPicture[][], rollout: [] as FormingPicture[][] };
  for (const [i, { index, label }] of first.probes.entries()) {
    const { picture } = preprocessImage(await dataset.image(index), preprocessing);
    const input = {
      ...(await thumbnailOf(picture)),
      caption: classLabel(label, dataset.classNames),
    };
    for (const kind of ['relevance', 'rollout'] as const) {
      const row: FormingPicture[] = [input];
      for (const { probes } of shown) {
        const { gridSize, probability, ...maps } = probes[i]!;
        const grid = { height: gridSize[0], width: gridSize[1], data: maps[kind] };
        const { uri } = await thumbnailOf(overlaid(picture, grid));
        row.push({ uri, caption: percent(probability) });
      }
      rows[kind].push(row);
    }
  }
  return { shown, total: snapshots.length, ...rows };
}

// The first, the last, and as many between them as fit.
function spread<T>(values: readonly T[], most: number): T[] {
  if (values.length <= most) return [...values];
  return Array.from(
    { length: most },
    (_, i) => values[Math.round((i * (values.length - 1)) / (most - 1))]!,
  );
}

function isSnapshot(value: unknown): value is AttentionSnapshot {
  return isRecord(value) && value['schema'] === 'vit-snapshot/1' && Array.isArray(value['probes']);
}
