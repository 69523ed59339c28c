// The width of a line of text, for layout before anything is drawn.

import { fontWidths } from './fontWidths.ts';

const ellipsis = '…';

/**
 * The width of a line of text in DejaVu Sans, in pixels.
 *
 * Exact for ASCII and Latin-1 without kerning; other letters count as 0.65 em, East Asian ones and symbols beyond U+2E80 as 1 em.
 */
export function textWidth(text: string, size: number, { bold = false } = {}): number {
  const widths = bold ? fontWidths.bold : fontWidths.regular;
  let units = 0;
  for (const character of text) units += unitsOf(character.codePointAt(0)!, widths);
  return (units * size) / 2048;
}

/** The text, or its longest beginning that fits the width with `…` at the end. */
export function fitText(text: string, size: number, width: number, { bold = false } = {}): string {
  const room = width - textWidth(ellipsis, size, { bold });
  let [used, kept, whole] = [0, '', true];
  for (const character of text) {
    used += textWidth(character, size, { bold });
    if (used <= room) kept += character;
    if (used > width) {
      whole = false;
      break;
    }
  }
  if (whole) return text;
  return room < 0 ? '' : kept.trimEnd() + ellipsis;
}

function unitsOf(code: number, widths: readonly number[]): number {
  if (code >= 0x20 && code <= 0x7e) return widths[code - 0x20]!;
  if (code >= 0xa0 && code <= 0xff) return widths[code - 0xa0 + 95]!;
  if (code === 0x2026 || code >= 0x2e80) return 2048;
  return 1331;
}
