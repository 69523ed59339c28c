// A figure in dark colours.

import { assertKind } from '../core/kinds.ts';
import { theme } from './theme.ts';

const { color } = theme;

// The colours of the theme and what stands in their place on a dark ground.
const dark: ReadonlyMap<string, string> = new Map([
  [color.background, '#16191d'],
  [color.text, '#e6e9ec'],
  [color.muted, '#a3adb8'],
  [color.axis, '#8b949e'],
  [color.grid, '#30363d'],
  [color.empty, '#22272e'],
  [color.weak, '#52708a'],
  [color.right, '#3fb68b'],
  [color.wrong, '#f0883e'],
  [color.series[0], '#4aa3df'],
  [color.series[1], '#f08a4b'],
  [color.series[2], '#3cc59a'],
  [color.series[6], '#e6e9ec'],
]);

/**
 * A figure of this library on a dark ground: every colour of the theme is replaced, and pictures stay as they are.
 *
 * @param svg  a document of one of the `…Svg` functions
 */
export function darkSvg(svg: string): string {
  assertKind('svg', svg, 'text');
  return svg.replace(
    /( (?:fill|stroke)=")(#[0-9a-f]{6})"/g,
    (whole, start: string, found: string) => {
      const other = dark.get(found);
      return other === undefined ? whole : `${start}${other}"`;
    },
  );
}
