// An image with the boxes of its objects.

import { assertInteger, assertNumber } from '../core/check.ts';
import { assertFields, assertListOf } from '../core/kinds.ts';
import type { RgbImage } from '../core/image.ts';
import { fitInto, framedImage } from './imagePanel.ts';
import { column, emptyPanel, figurePng, figureSvg, note } from './panel.ts';
import type { FigureOptions, Panel } from './panel.ts';
import { element, group, rect, text } from './svg.ts';
import type { SvgNode } from './svg.ts';
import { fitText, textWidth } from './textWidth.ts';
import { theme } from './theme.ts';

/** An object of an image. */
export interface ObjectBox {
  /** Left, top, right and bottom in pixels of the image; what lies outside it is not drawn. */
  box: readonly [number, number, number, number];
  /** In a corner of the box: "cat 93 %". */
  label: string;
}

/** The content of a picture with boxes. */
export interface ObjectBoxesOptions extends FigureOptions {
  image: RgbImage;
  objects: readonly ObjectBox[];
  /** The sentence below where there is no object; default "No object was found." */
  empty?: string;
  /** The longer side of the picture in pixels; default 480. */
  side?: number;
}

/** The colours of boxes in turn. */
export const boxColors = [
  '#d4322d',
  '#1f6fd0',
  '#1c8a48',
  '#a33fb5',
  '#c77700',
  '#0a8a94',
] as const;

/** An image with the boxes of its objects, as PNG bytes; without objects a sentence stands below it. */
export function objectBoxes(options: ObjectBoxesOptions): Promise<Uint8Array> {
  return figurePng(objectBoxesPanel(options), options);
}

/** An image with the boxes of its objects, as an SVG document. */
export function objectBoxesSvg(options: ObjectBoxesOptions): string {
  return figureSvg(objectBoxesPanel(options), options);
}

/** An image with boxes, without a title. @throws InputError for a box that is not finite */
export function objectBoxesPanel(options: ObjectBoxesOptions): Panel {
  assertFields('the picture of objects', options, {
    image: 'instance',
    objects: 'list',
    title: 'text?',
  });
  const { image, objects, empty = 'No object was found.', side = 480 } = options;
  assertInteger('side', side, { min: 8, max: 8192 });
  if (image.data?.length === undefined || image.data.length === 0) return emptyPanel('no image');
  const { width, height } = fitInto(image, side);
  const scale = [width / image.width, height / image.height] as const;
  const nodes = objects.map(({ box, label }, i) => {
    assertFields(`objects[${i}]`, objects[i], { box: 'list', label: 'text' });
    assertListOf(`the box of objects[${i}]`, box, 'number');
    box.forEach((value) => assertNumber(`the box of objects[${i}]`, value));
    const color = boxColors[i % boxColors.length]!;
    const [left, right] = [box[0], box[2]].map((x) => clamp(x * scale[0], width)) as [
      number,
      number,
    ];
    const [top, bottom] = [box[1], box[3]].map((y) => clamp(y * scale[1], height)) as [
      number,
      number,
    ];
    return boxNode({ left, top, right, bottom }, { label, color, width, height });
  });
  const picture = framedImage(image, width, height);
  const panel = { width, height, body: group(0, 0, [picture.body, ...nodes]) };
  return objects.length > 0
    ? panel
    : column([panel, note(empty, Math.max(width, 160))], { gap: 6 });
}

function boxNode(
  { left, top, right, bottom }: { left: number; top: number; right: number; bottom: number },
  about: { label: string; color: string; width: number; height: number },
): SvgNode {
  const { label, color, width, height } = about;
  const outline = element('rect', {
    ...{ x: left, y: top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) },
    ...{ fill: 'none', stroke: color, 'stroke-width': 2 },
  });
  const size = theme.size.tick;
  const shown = fitText(label, size, Math.max(24, width - 4), { bold: true });
  const lineHeight = size + 5;
  const tagWidth = Math.min(width, textWidth(shown, size, { bold: true }) + 6);
  // Above the box where there is room, else inside it.
  const y = top >= lineHeight ? top - lineHeight : Math.min(top, Math.max(0, height - lineHeight));
  const x = Math.max(0, Math.min(left - 1, width - tagWidth));
  const style = { size, bold: true, centred: true, color: '#ffffff' };
  return group(0, 0, [
    outline,
    rect(x, y, tagWidth, lineHeight, { fill: color }),
    text(shown, x + 3, y + lineHeight / 2, style),
  ]);
}

function clamp(value: number, most: number): number {
  return Math.min(most, Math.max(0, value));
}
