// A forward pass as one HTML page: every tensor with its picture, in English and Japanese.

import { percent } from '../core/format.ts';
import { makeImage, type RgbImage } from '../core/image.ts';
import { barChartPanel, type Bar } from '../figures/barChart.ts';
import { blend, colorize } from '../figures/colorize.ts';
import type { Grid } from '../figures/grid.ts';
import { figureSvg } from '../figures/panel.ts';
import { pngUri } from '../figures/pngUri.ts';
import { documentOf } from './document.ts';
import { html, inlineSvg, type Html } from './html.ts';
import { reportStyles } from './style.ts';
import { partTexts, type PartText } from './traceText.ts';

/** A tensor of a pass: its name, its shape without the batch, its numbers where they are kept, and their range. */
export interface PageTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data?: Float32Array;
  readonly low: number;
  readonly mean: number;
  readonly high: number;
}

/**
 * The content of a trace page.
 *
 * @property image     the picture that the model saw
 * @property tensors   of the pass, in order
 * @property gridSize  rows and columns of patches
 * @property prefix    tokens before the patches
 * @property block     the block that is looked into, from 0
 * @property heads     of its attention
 * @property bars      the prediction
 */
export interface TraceContent {
  title: string;
  source: string;
  image: RgbImage;
  tensors: readonly PageTensor[];
  gridSize: readonly [rows: number, columns: number];
  prefix: number;
  block: number;
  heads: number;
  bars: readonly Bar[];
}

const styles = `
.lang { position: absolute; opacity: 0; }
.lang-choice label { cursor: pointer; border: 1px solid var(--line); border-radius: 6px; padding: 4px 12px; margin-right: 6px; }
#lang-en:checked ~ main .ja, #lang-ja:checked ~ main .en { display: none; }
#lang-en:checked ~ main label[for=lang-en], #lang-ja:checked ~ main label[for=lang-ja] { background: var(--accent); color: #fff; }
.pictures { display: flex; flex-wrap: wrap; gap: 18px; align-items: flex-end; margin-top: 8px; }
.pictures figure { margin: 0; max-width: 100%; }
.pictures img { display: block; image-rendering: pixelated; border: 1px solid var(--line); max-width: 100%; }
.pictures figcaption { font-size: 0.82rem; color: var(--muted); margin-top: 4px; overflow-wrap: anywhere; }
.formula { font: italic 1.05rem Cambria, Georgia, "Times New Roman", serif; background: var(--sunken); border-radius: 6px;
  padding: 6px 12px; display: inline-block; }
.step { color: var(--muted); font-weight: 400; margin-right: 8px; }
`;

/**
 * The page of a traced pass as an HTML document that refers to nothing outside of itself. English is shown first, Japanese by a switch,
 * without a script.
 */
export function tracePage(content: TraceContent): string {
  const sections = sectionsOf(content).map(([part, pictures], i) =>
    sectionOf(partTexts[part], pictures, i + 1),
  );
  const body = html`<input class="lang" type="radio" name="lang" id="lang-en" checked />
    <input class="lang" type="radio" name="lang" id="lang-ja" />
    <main>
      <header>
        <p class="lang-choice">
          <label for="lang-en">English</label><label for="lang-ja">日本語</label>
        </p>
        <h1>${content.title}</h1>
        <p class="lead">${content.source}</p>
      </header>
      ${sections} ${tableSection(content.tensors)}
      <footer>
        <span class="en"
          >Letters: P patches, N tokens, C channels, h heads, D = C / h, F hidden, K classes.</span
        ><span class="ja"
          >記号: P パッチ数、N トークン数、C チャネル数、h ヘッド数、D = C / h、F 隠れ層の幅、K
          クラス数。</span
        >
        Written by tfjs-vit.
      </footer>
    </main>`;
  return documentOf(body, { title: content.title, styles: reportStyles + styles });
}

type Picture = Html;
type Section = readonly [part: Exclude<keyof typeof partTexts, 'table'>, pictures: Picture[]];

function sectionsOf(content: TraceContent): Section[] {
  const { image, tensors, block, gridSize, prefix, heads, bars } = content;
  const named = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  const at = (name: string) => named.get(name);
  const inBlock = (name: string) => at(`blocks.${block}${name}`);
  const drawn = (tensor: PageTensor | undefined, letters: string, kind: Look = 'signed') =>
    tensor?.data === undefined ? [] : [matrix(tensor, letters, kind)];
  const probs = inBlock('.attn_probs');
  return [
    ['image', [imagePicture(image, 'H × W')]],
    ['patches', [patchesPicture(image, gridSize)]],
    ['embedding', drawn(at('patch_embed.proj'), 'P × C')],
    ['tokens', drawn(at('blocks.input'), 'N × C')],
    ['norm', drawn(inBlock('.norm1'), 'N × C')],
    ['qkv', qkvPictures(inBlock('.attn.qkv'), heads)],
    ['scores', drawn(inBlock('.attn_logits'), 'N × N')],
    [
      'softmax',
      [
        ...drawn(probs, 'N × N', 'share'),
        ...(probs?.data === undefined ? [] : [overlayPicture(image, probs, gridSize, prefix)]),
      ],
    ],
    ['mix', drawn(inBlock('.attn_output'), 'N × D')],
    ['heads', [...drawn(inBlock('.attn'), 'N × C'), ...drawn(inBlock('.residual1'), 'N × C')]],
    [
      'mlp',
      [
        ...drawn(inBlock('.mlp.act') ?? inBlock('.mlp.fc1'), 'N × F'),
        ...drawn(inBlock('.residual2'), 'N × C'),
      ],
    ],
    ['logits', [barsPicture(bars)]],
  ];
}

function sectionOf({ title, text, formula }: PartText, pictures: Picture[], step: number): Html {
  return html`<section>
    <h2>
      <span class="step">${step}</span><span class="en">${title.en}</span
      ><span class="ja" lang="ja">${title.ja}</span>
    </h2>
    <p class="en">${text.en}</p>
    <p class="ja" lang="ja">${text.ja}</p>
    ${formula === undefined ? undefined : html`<p><span class="formula">${formula}</span></p>`}
    <div class="pictures">${pictures}</div>
  </section>`;
}

type Look = 'signed' | 'share';

// The first head of a tensor [h, N, M], or a tensor [N, M], as colours.
function matrix({ name, shape, data, low, high }: PageTensor, letters: string, look: Look): Html {
  const [rows, columns] = shape.slice(-2) as [number, number];
  const values = Array.from(data!.subarray(0, rows * columns));
  const size = Math.max(Math.abs(low), Math.abs(high));
  const range = look === 'share' ? ([0, Math.max(...values)] as const) : ([-size, size] as const);
  const colors = colorize(
    { height: rows, width: columns, data: values },
    { colormap: look === 'share' ? 'inferno' : 'blueRed', range },
  );
  const whole = shape.length === 3 ? `h × ${letters}` : letters;
  const said = `${name}: ${whole} = ${shape.join(' × ')}, ${short(low)} … ${short(high)}`;
  return figure(colors, said, Math.min(760, Math.max(200, 5 * columns)));
}

function qkvPictures(tensor: PageTensor | undefined, heads: number): Html[] {
  if (tensor?.data === undefined) return [];
  const [tokens, wide] = tensor.shape as [number, number];
  const dim = wide / 3 / heads;
  return ['Q', 'K', 'V'].map((letter, part) => {
    const data = new Float32Array(tokens * dim);
    for (let n = 0; n < tokens; n += 1) {
      const from = n * wide + (part * wide) / 3;
      data.set(tensor.data!.subarray(from, from + dim), n * dim);
    }
    const [low, high] = [Math.min(...data), Math.max(...data)];
    return matrix(
      { name: letter, shape: [tokens, dim], data, low, mean: 0, high },
      'N × D',
      'signed',
    );
  });
}

function imagePicture(image: RgbImage, letters: string): Html {
  const { width, height, channels } = image;
  return figure(image, `${letters} × ${channels} = ${height} × ${width} × ${channels}`, 260);
}

// The patches with gaps between them.
function patchesPicture(image: RgbImage, [rows, columns]: readonly [number, number]): Html {
  const [ph, pw] = [image.height / rows, image.width / columns];
  const gap = Math.max(1, Math.round(Math.min(ph, pw) / 7));
  const [height, width] = [image.height + gap * (rows - 1), image.width + gap * (columns - 1)];
  const data = new Uint8Array(3 * height * width).fill(235);
  for (let y = 0; y < image.height; y += 1) {
    for (let x = 0; x < image.width; x += 1) {
      const to = 3 * ((y + gap * Math.floor(y / ph)) * width + x + gap * Math.floor(x / pw));
      const from = (y * image.width + x) * image.channels;
      for (let c = 0; c < 3; c += 1) {
        data[to + c] = image.data[from + (image.channels === 3 ? c : 0)]!;
      }
    }
  }
  const said = `P = ${rows} × ${columns} = ${rows * columns}`;
  return figure(makeImage(width, height, 3, data), said, 280);
}

// The attention of the first token, or the mean over all, averaged over heads, laid over the image.
function overlayPicture(
  image: RgbImage,
  { shape, data }: PageTensor,
  [rows, columns]: readonly [number, number],
  prefix: number,
): Html {
  const [heads, tokens] = shape as [number, number];
  const queries = prefix > 0 ? [0] : Array.from({ length: tokens }, (_, n) => n);
  const values = new Float64Array(rows * columns);
  for (let h = 0; h < heads; h += 1) {
    for (const query of queries) {
      const from = (h * tokens + query) * tokens + prefix;
      values.forEach((value, p) => (values[p] = value + data![from + p]! / heads / queries.length));
    }
  }
  const grid: Grid = { height: rows, width: columns, data: values };
  const scale = Math.max(1, Math.round(260 / image.width));
  const [width, height] = [image.width * scale, image.height * scale];
  const range = [0, Math.max(...values)] as const;
  const picture = blend(image, grid, {
    width,
    height,
    colormap: 'inferno',
    range,
    opacity: [0.4, 0.85],
  });
  return figure(picture, `mean of ${heads} heads, ${percent(range[1])} at most`, 260);
}

function barsPicture(bars: readonly Bar[]): Html {
  return html`<div style="width: 420px">
    ${inlineSvg(figureSvg(barChartPanel({ bars, width: 400 })))}
  </div>`;
}

function figure(image: RgbImage, caption: string, width: number): Html {
  return html`<figure>
    <img src="${pngUri(image)}" width="${width}" alt="${caption}" />
    <figcaption>${caption}</figcaption>
  </figure>`;
}

function tableSection(tensors: readonly PageTensor[]): Html {
  const { title, text } = partTexts.table;
  const rows = tensors.map(
    ({ name, shape, low, mean, high }) =>
      html`<tr>
        <th><code>${name}</code></th>
        <td>${shape.join(' × ')}</td>
        <td>${short(low)}</td>
        <td>${short(mean)}</td>
        <td>${short(high)}</td>
      </tr>`,
  );
  return html`<section>
    <h2><span class="en">${title.en}</span><span class="ja" lang="ja">${title.ja}</span></h2>
    <p class="en">${text.en}</p>
    <p class="ja" lang="ja">${text.ja}</p>
    <div class="scroll">
      <table class="classes">
        <thead>
          <tr>
            <th></th>
            <th><span class="en">shape</span><span class="ja">形</span></th>
            <th><span class="en">smallest</span><span class="ja">最小</span></th>
            <th><span class="en">mean</span><span class="ja">平均</span></th>
            <th><span class="en">largest</span><span class="ja">最大</span></th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>
  </section>`;
}

function short(value: number): string {
  const text = Number(value.toPrecision(3)).toString();
  return text.replace('-', '−');
}
