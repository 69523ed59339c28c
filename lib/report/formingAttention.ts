// How attention and position embeddings formed during a training: a section of the report.

import type { RgbImage } from '../core/image.ts';
import { blend } from '../figures/colorize.ts';
import { rangeOf, type Grid } from '../figures/grid.ts';
import { fitInto } from '../figures/imagePanel.ts';
import { layerSheetSvg, type LayerTile } from '../figures/layerSheet.ts';
import { html, inlineSvg, type Html } from './html.ts';

/**
 * The state of the weights after an epoch; epoch 0 is before the first.
 *
 * @property probes     a few images with their maps, [P] in the order of the grid
 * @property positions  cosines of the position embeddings of chosen patches with those of all, [P]
 */
export interface AttentionSnapshot {
  schema: 'vit-snapshot/1';
  epoch: number;
  probes: {
    index: number;
    label: number;
    predicted: number;
    probability: number;
    gridSize: [rows: number, columns: number];
    rollout: number[];
    relevance: number[];
  }[];
  positions?:
    | {
        gridSize: [rows: number, columns: number];
        patches: { patch: number; similarity: number[] }[];
      }
    | undefined;
}

/** One image of a row: a `data:` address, and words below it. */
export interface FormingPicture {
  uri: string;
  caption: string;
}

/**
 * The snapshots of a run that a report shows, in the order of epochs.
 *
 * @property total      how many there are
 * @property relevance  a row an image: the input, and its map of each snapshot
 * @property rollout    the same of attention rollout
 */
export interface FormingAttention {
  shown: readonly AttentionSnapshot[];
  total: number;
  relevance: readonly (readonly FormingPicture[])[];
  rollout: readonly (readonly FormingPicture[])[];
}

/** The section on how attention formed; nothing where no snapshots were kept. */
export function formingSection(forming: FormingAttention | undefined): Html[] {
  if (forming === undefined) return [];
  const { shown, total, relevance, rollout } = forming;
  const tiles = positionTiles(shown);
  const positions = html`<h3>Position embeddings</h3>
    <p class="quiet">
      Cosine of the embedding of a patch in the corner, and of one in the middle, with those of all
      patches.
    </p>
    <div class="wide">
      ${inlineSvg(layerSheetSvg({ tiles, columns: shown.length, side: 104, label: 'cosine' }))}
    </div>`;
  return [
    html`<section id="forming">
      <h2>How attention formed</h2>
      <p class="quiet">
        The same images before training and later, with the probability of the true class:
        ${shown.length} of ${total} snapshots. Each overlay has colours of its own range.
      </p>
      <h3>Relevance for the true class</h3>
      ${pictureTable(shown, relevance)}
      <h3>Attention rollout</h3>
      ${pictureTable(shown, rollout)} ${tiles.length === 0 ? [] : [positions]}
    </section>`,
  ];
}

const epochName = (epoch: number): string => (epoch === 0 ? 'Before' : `Epoch ${epoch}`);

function pictureTable(
  shown: readonly AttentionSnapshot[],
  rows: readonly (readonly FormingPicture[])[],
): Html {
  const names = ['Input', ...shown.map(({ epoch }) => epochName(epoch))];
  const head = names.map((name) => html`<th scope="col">${name}</th>`);
  const body = rows.map(
    (row) =>
      html`<tr>
        ${row.map(
          ({ uri, caption }, i) =>
            html`<td>
              <img
                class="${uri.startsWith('data:image/png') ? 'small' : ''}"
                src="${uri}"
                alt="${names[i]!}: ${caption}"
                loading="lazy"
              /><span class="quiet">${caption}</span>
            </td>`,
        )}
      </tr>`,
  );
  return html`<div class="wide">
    <table class="forming">
      <thead>
        <tr>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div>`;
}

/** A map laid over its image in the colours of its own range, at a size that a page shows. */
export function overlaid(image: RgbImage, grid: Grid): RgbImage {
  return blend(image, grid, {
    ...fitInto(image, 208),
    colormap: 'inferno',
    range: rangeOf([grid]),
    opacity: [0.45, 0.88],
  });
}

function positionTiles(shown: readonly AttentionSnapshot[]): LayerTile[] {
  const first = shown[0]!.positions;
  if (first === undefined) return [];
  const last = first.patches.length - 1;
  return [...new Set([0, Math.floor(last / 2)])].flatMap((which) =>
    shown.map(({ epoch, positions }) => ({
      heading: which === 0 ? epochName(epoch) : '',
      grid: {
        height: first.gridSize[0],
        width: first.gridSize[1],
        data: positions!.patches[which]!.similarity,
      },
    })),
  );
}
