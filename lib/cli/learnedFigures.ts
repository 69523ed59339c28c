// The figures of what a model has learned, each with the numbers behind it.

import { classLabel, percent } from '../core/format.ts';
import { argmax, softmax } from '../core/softmax.ts';
import { Capture } from '../core/capture.ts';
import { readAttention } from '../explain/attentionArray.ts';
import {
  attentionDistance,
  correspondence,
  featureColors,
  headEntropy,
  logitLens,
  patchFilters,
  tokenNorms,
} from '../explain/learned.ts';
import { contactSheetSvg } from '../figures/contactSheet.ts';
import { headChartSvg } from '../figures/headChart.ts';
import { layerSheetSvg } from '../figures/layerSheet.ts';
import { matchSheetSvg } from '../figures/matchSheet.ts';
import * as t from '../ops/tensor.ts';
import type * as tf from '@tensorflow/tfjs';
import type { RgbImage } from '../core/image.ts';
import type { PatchFeatures } from '../explain/learned.ts';
import type { LayerTile } from '../figures/layerSheet.ts';
import type { Grid } from '../figures/grid.ts';
import type { Model } from '../models/model.ts';

/** A figure of what a model has learned: the name of its file, the picture, and its numbers. */
export interface LearnedFigure {
  name: string;
  svg: string;
  numbers: unknown;
  /** One sentence about what it found, for the terminal. */
  finding: string;
}

/**
 * A model with the images that it is asked about.
 *
 * @property images    [B, H, W, C], normalised
 * @property pictures  the same for people
 * @property features  of their patches after each block
 * @property about     the model in words, below each title
 */
export interface LearnedSubject {
  model: Model;
  images: tf.Tensor4D;
  pictures: readonly RgbImage[];
  features: readonly PatchFeatures[];
  classNames: readonly string[] | undefined;
  about: string;
}

/** The principal components of the patch projection. */
export async function filtersFigure({ model, about }: LearnedSubject): Promise<LearnedFigure> {
  const filters = await patchFilters(model);
  const shares = filters.map(({ share }) => share);
  const tiles = filters.map(({ image, share }, k) => ({
    image,
    title: `${k + 1}: ${percent(share)}`,
  }));
  const svg = contactSheetSvg({
    tiles,
    columns: 7,
    side: 84,
    title: 'Principal components of the patch filters',
    subtitle: `Shares of their variance; grey is 0 · ${about}`,
  });
  const all = shares.reduce((a, b) => a + b, 0);
  const finding = `${shares.length} components of the patch filters hold ${percent(all)} of their variance.`;
  return { name: 'patch_filters', svg, numbers: { shares }, finding };
}

/** How far the heads look, and how sharply. */
export async function headFigures(subject: LearnedSubject): Promise<LearnedFigure[]> {
  const { model, images, about } = subject;
  const capture = new Capture(['blocks.*.attn_probs'], { onWarning: () => undefined });
  try {
    t.dispose(t.tidy(() => model.forward(images, { intercept: capture })));
    const attentions = await readAttention(capture);
    const distance = attentionDistance(attentions);
    const entropy = headEntropy(attentions);
    const even = evenDistance(capture.layout?.gridSize ?? [1, 1]);
    const most = Math.log(attentions[0]!.shape[2]!);
    const subtitle = `Mean over ${countOf(images.shape[0])}; a dot is a head · ${about}`;
    const [near, far] = extremes(distance);
    const [sharp, flat] = extremes(entropy);
    return [
      {
        name: 'attention_distance',
        svg: headChartSvg({
          values: distance,
          yLabel: 'distance in patches',
          reference: { value: even, label: 'even attention' },
          title: 'How far each head looks',
          subtitle,
        }),
        numbers: { distance, even },
        finding: `Heads look from ${near.toFixed(2)} to ${far.toFixed(2)} patches far; even attention ${even.toFixed(2)}.`,
      },
      {
        name: 'head_entropy',
        svg: headChartSvg({
          values: entropy,
          yLabel: 'entropy in nats',
          reference: { value: most, label: 'even attention' },
          title: 'How widely each head spreads its attention',
          subtitle,
        }),
        numbers: { entropy, even: most },
        finding: `Their entropy goes from ${sharp.toFixed(2)} to ${flat.toFixed(2)} nats; even attention ${most.toFixed(2)}.`,
      },
    ];
  } finally {
    capture.dispose();
  }
}

// The mean distance of a patch from all patches, itself among them.
function evenDistance([rows, columns]: readonly [number, number]): number {
  let sum = 0;
  const patches = rows * columns;
  for (let q = 0; q < patches; q += 1) {
    for (let k = 0; k < patches; k += 1) {
      const down = Math.floor(q / columns) - Math.floor(k / columns);
      sum += Math.hypot(down, (q % columns) - (k % columns));
    }
  }
  return sum / patches ** 2;
}

function extremes(values: readonly (readonly number[])[]): readonly [number, number] {
  const all = values.flat();
  return [Math.min(...all), Math.max(...all)];
}

const countOf = (images: number): string => (images === 1 ? 'one image' : `${images} images`);

/** The features of the patches after each block as colours. */
export function featuresFigure({ features, pictures, about }: LearnedSubject): LearnedFigure {
  const depth = features.length;
  const tiles: LayerTile[] = [];
  features.forEach((ofLayer, layer) => {
    featureColors(ofLayer).forEach((image, b) => {
      tiles[b * (depth + 1)] ??= { heading: b === 0 ? 'Input' : '', image: pictures[b]! };
      tiles[b * (depth + 1) + layer + 1] = { heading: b === 0 ? `Block ${layer + 1}` : '', image };
    });
  });
  const svg = layerSheetSvg({
    tiles,
    columns: depth + 1 > 9 ? Math.ceil((depth + 1) / 2) : depth + 1,
    title: 'Features of the patches as colours',
    subtitle: `Their first three principal components as red, green and blue · ${about}`,
  });
  const finding = 'Patches of one colour are alike to the model.';
  return { name: 'feature_colors', svg, numbers: { blocks: depth }, finding };
}

/** The class that each patch would give if the model ended after each block. */
export async function lensFigure({
  model,
  images,
  pictures,
  features,
  classNames,
  about,
}: LearnedSubject): Promise<LearnedFigure> {
  const lens = await logitLens(model, images);
  const [rows, columns] = features[0]!.gridSize;
  const prefix = lens[0]!.shape[1] - rows * columns;
  const classes = model.numClasses;
  const final = t.tidy(() => model.forward(images).dataSync() as Float32Array);
  const target = argmax(final.subarray(0, classes));
  const label = classLabel(target, classNames);
  const blocks = lens.map(({ data }) => {
    const probabilities = new Float32Array(rows * columns);
    const votes = new Map<number, number>();
    for (let p = 0; p < rows * columns; p += 1) {
      const own = softmax(data.subarray((prefix + p) * classes, (prefix + p + 1) * classes));
      probabilities[p] = own[target]!;
      const best = argmax(own);
      votes.set(best, (votes.get(best) ?? 0) + 1);
    }
    const [top, count] = [...votes].sort((a, b) => b[1] - a[1] || a[0] - b[0])[0]!;
    return { probabilities, top, count };
  });
  const tiles: LayerTile[] = [
    { heading: 'Input', image: pictures[0]! },
    ...blocks.map(({ probabilities, top, count }, i) => ({
      heading: `Block ${i + 1}`,
      grid: { height: rows, width: columns, data: probabilities },
      caption: `${count} of ${rows * columns} patches say ${classLabel(top, classNames)}`,
    })),
  ];
  const svg = layerSheetSvg({
    tiles,
    colormap: 'viridis',
    range: [0, 1],
    label: 'probability',
    columns: tiles.length > 9 ? Math.ceil(tiles.length / 2) : tiles.length,
    title: `Logit lens: where each patch says ${label}`,
    subtitle: `Each patch through the last norm and the head, after each block · ${about}`,
  });
  const agreeing = blocks.findIndex(
    ({ top }, i) => top === target && blocks.slice(i).every((block) => block.top === target),
  );
  const finding =
    agreeing < 0
      ? `Most patches do not say ${label} by themselves, not even after the last block.`
      : `Most patches say ${label} from block ${agreeing + 1} on.`;
  const numbers = {
    target,
    label,
    blocks: blocks.map(({ probabilities, top, count }) => ({
      top,
      count,
      probabilities: [...probabilities],
    })),
  };
  return { name: 'logit_lens', svg, numbers, finding };
}

/** The norms of the tokens of the patches after each block, and the patches that stand out. */
export async function normsFigure({
  model,
  images,
  pictures,
  features,
  about,
}: LearnedSubject): Promise<LearnedFigure> {
  const { norms, artefacts } = await tokenNorms(model, images);
  const [rows, columns] = features[0]!.gridSize;
  const prefix = norms[0]!.width - rows * columns;
  const grids: Grid<Float32Array>[] = norms.map(({ data }) => ({
    height: rows,
    width: columns,
    data: data.slice(prefix, prefix + rows * columns),
  }));
  const first = artefacts.filter(({ image }) => image === 0);
  const svg = layerSheetSvg({
    tiles: [
      { heading: 'Input', image: pictures[0]! },
      ...grids.map((grid, i) => ({
        heading: `Block ${i + 1}`,
        grid,
        caption: `${Math.min(...grid.data).toFixed(1)} to ${Math.max(...grid.data).toFixed(1)}`,
      })),
    ],
    colormap: 'magma',
    label: 'norm',
    columns: grids.length + 1 > 9 ? Math.ceil((grids.length + 1) / 2) : grids.length + 1,
    title: 'Norms of the tokens of the patches',
    subtitle: `Length of each token after each block · ${about}`,
    footer:
      first.length === 0
        ? 'No patch of the last block has more than three times the norm of the median patch.'
        : `${first.length} patches of the last block have more than three times the norm of the median patch: they hold what is known of the whole image.`,
  });
  const finding = `${artefacts.length} tokens stand out by their norm in ${countOf(images.shape[0])}.`;
  const numbers = { norms: norms.map(({ data }) => [...data]), artefacts };
  return { name: 'token_norms', svg, numbers, finding };
}

/** The patches of a second image that are most like those of the first. */
export function matchesFigure({ features, pictures, about }: LearnedSubject): LearnedFigure {
  const last = features.at(-1)!;
  const matches = correspondence(last, [0, 1]).map(({ patch, cosine }, from) => ({
    from,
    to: patch,
    cosine,
  }));
  const shown = [...matches].sort((a, b) => b.cosine - a.cosine).slice(0, 24);
  const svg = matchSheetSvg({
    images: [pictures[0]!, pictures[1]!],
    gridSize: last.gridSize,
    matches: shown,
    title: 'Patches that are alike in two images',
    subtitle: `The ${shown.length} best by the cosine of the last block's features · ${about}`,
  });
  const mean = matches.reduce((sum, { cosine }) => sum + cosine, 0) / matches.length;
  const finding = `The patches of the first image find one in the second with a cosine of ${mean.toFixed(2)} on average.`;
  return { name: 'correspondence', svg, numbers: { matches }, finding };
}
