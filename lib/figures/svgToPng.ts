// Renders an SVG to a PNG with resvg and a bundled font.

import { assertKind } from '../core/kinds.ts';
import type * as resvg from '@resvg/resvg-js';
import { assertNumber } from '../core/check.ts';
import { InputError, UnsupportedError, expected, messageOf } from '../core/errors.ts';

// The renderer is found at run time by a name in a variable: a browser bundle then leaves it out, and pages that only draw SVG
// never need it. The fonts are files of npm packages, so the same SVG gives the same bytes on every machine.
const renderer = '@resvg/resvg-js';

const latinFonts = [
  'dejavu-fonts-ttf/ttf/DejaVuSans.ttf',
  'dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf',
];
const japaneseFont = '@expo-google-fonts/kosugi-maru/400Regular/KosugiMaru_400Regular.ttf';

// Scripts that DejaVu Sans has no letters for: Chinese, Japanese, Korean and what lies above.
const eastAsian = /[\u2e80-\ud7ff\uf900-\ufaff\uff00-\uffee]|[\ud840-\ud8ff]/;

/**
 * An SVG as PNG bytes, drawn by resvg in DejaVu Sans, and Japanese letters in Kosugi Maru. The system's fonts help with other
 * East Asian letters.
 *
 * @param options.scale  pixels of the PNG per pixel of the SVG, 0.25 … 8; default 1
 * @throws InputError if it is no SVG, or the PNG would have more than 67 million pixels: resvg ends the process without memory
 * @throws UnsupportedError where resvg cannot be loaded, as in a browser: show the SVG itself there
 *
 * @example
 * const png = await svgToPng(lineChartSvg({series}), {scale: 2});
 */
export async function svgToPng(svg: string, options: { scale?: number } = {}): Promise<Uint8Array> {
  assertKind('svg', svg, 'text');
  assertKind('options of svgToPng', options, 'instance');
  const { scale = 1 } = options;
  assertNumber('scale', scale, { min: 0.25, max: 8 });
  const { Resvg } = await loadRenderer();
  const isEastAsian = eastAsian.test(svg);
  const picture = parsed(
    () =>
      new Resvg(svg, {
        fitTo: { mode: 'zoom', value: scale },
        font: {
          loadSystemFonts: isEastAsian,
          fontFiles: (isEastAsian ? [...latinFonts, japaneseFont] : latinFonts).map(fontPath),
          defaultFontFamily: 'DejaVu Sans',
        },
      }),
  );
  const [width, height] = [Math.ceil(picture.width * scale), Math.ceil(picture.height * scale)];
  if (width * height > maxPixels) {
    const remedy = 'Draw fewer panels, or at a smaller scale.';
    const size = `${width} × ${height}`;
    throw new InputError(
      `Expected at most ${maxPixels} pixels for the PNG, received ${size}. ${remedy}`,
    );
  }
  return Uint8Array.from(picture.render().asPng());
}

// 8192 × 8192 pixels: 256 MB while they are drawn.
const maxPixels = 2 ** 26;

function parsed(parse: () => resvg.Resvg): resvg.Resvg {
  try {
    return parse();
  } catch (cause) {
    throw new InputError(expected('an SVG document', 'svgToPng', messageOf(cause)), { cause });
  }
}

async function loadRenderer(): Promise<typeof resvg> {
  try {
    return (await import(renderer)) as typeof resvg;
  } catch (cause) {
    throw new UnsupportedError(
      `PNG pictures need ${renderer}, which could not be loaded: ${messageOf(cause)}. Use the function that returns SVG.`,
    );
  }
}

function fontPath(file: string): string {
  const resolved = import.meta.resolve(file);
  if (!resolved.startsWith('file:')) return resolved;
  // file:///C:/fonts/x.ttf is C:/fonts/x.ttf on Windows, file:///fonts/x.ttf is /fonts/x.ttf elsewhere.
  return decodeURIComponent(new URL(resolved).pathname).replace(/^\/(?=[A-Za-z]:\/)/, '');
}
