// An image as a part of a figure.

import type { RgbImage } from '../core/image.ts';
import type { Panel } from './panel.ts';
import { pngUri } from './pngUri.ts';
import { element, group } from './svg.ts';
import type { SvgNode } from './svg.ts';
import { theme } from './theme.ts';

/** An image stretched over a rectangle, its pixels as sharp squares. */
export function imageNode(
  image: RgbImage,
  x: number,
  y: number,
  width: number,
  height: number,
): SvgNode {
  // resvg knows only this older keyword for crisp pixels; browsers read it as `crisp-edges`.
  const look = { preserveAspectRatio: 'none', 'image-rendering': 'optimizeSpeed' };
  return element('image', { x, y, width, height, ...look, href: pngUri(image) });
}

/** An image as a panel of the given size, with a thin line around it. */
export function framedImage(image: RgbImage, width: number, height: number): Panel {
  const nodes = [imageNode(image, 0, 0, width, height), frame(width, height)];
  return { width, height, body: group(0, 0, nodes) };
}

/** A thin line around a rectangle whose upper left corner is (0, 0). */
export function frame(width: number, height: number): SvgNode {
  return element('rect', {
    x: -0.5,
    y: -0.5,
    width: width + 1,
    height: height + 1,
    fill: 'none',
    stroke: theme.color.grid,
  });
}

/** The size of a picture of the given proportions that fits into a square, in whole pixels. */
export function fitInto(
  { width, height }: { width: number; height: number },
  side: number,
): { width: number; height: number } {
  const factor = side / Math.max(width, height, 1);
  return {
    width: Math.max(1, Math.round(width * factor)),
    height: Math.max(1, Math.round(height * factor)),
  };
}
