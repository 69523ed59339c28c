// Panels: the drawn parts that a figure is laid out of, and the figure as SVG or PNG.

import { svgToPng } from './svgToPng.ts';
import { group, svgDocument, text } from './svg.ts';
import type { SvgNode } from './svg.ts';
import { fitText, textWidth } from './textWidth.ts';
import { theme } from './theme.ts';

/** A drawn part of a figure with the space it takes; its upper left corner is (0, 0). */
export interface Panel {
  readonly width: number;
  readonly height: number;
  readonly body: SvgNode;
}

/** The options that every figure has. */
export interface FigureOptions {
  title?: string;
  /** A second, quieter line. */
  subtitle?: string;
  /** Pixels of the PNG per pixel of the layout; default 1. */
  scale?: number;
}

/** Panels side by side. */
export function row(panels: readonly Panel[], { gap = theme.gap as number } = {}): Panel {
  const height = Math.max(0, ...panels.map((panel) => panel.height));
  let x = 0;
  const placed = panels.map((panel) => {
    const node = group(x, 0, [panel.body]);
    x += panel.width + gap;
    return node;
  });
  return { width: Math.max(0, x - gap), height, body: group(0, 0, placed) };
}

/** Panels one below the other. */
export function column(panels: readonly Panel[], { gap = theme.gap as number } = {}): Panel {
  const width = Math.max(0, ...panels.map((panel) => panel.width));
  let y = 0;
  const placed = panels.map((panel) => {
    const node = group(0, y, [panel.body]);
    y += panel.height + gap;
    return node;
  });
  return { width, height: Math.max(0, y - gap), body: group(0, 0, placed) };
}

/** A panel with a heading above it, shortened to the panel's width. */
export function withHeading(heading: string, panel: Panel): Panel {
  const size = theme.size.heading;
  const lineHeight = Math.ceil(size * 1.6);
  const node = text(fitText(heading, size, panel.width, { bold: true }), 0, size, {
    size,
    bold: true,
  });
  return {
    width: panel.width,
    height: panel.height + lineHeight,
    body: group(0, 0, [node, group(0, lineHeight, [panel.body])]),
  };
}

/** A plain line of quiet text as a panel of the given width. */
export function note(content: string, width: number): Panel {
  const size = theme.size.tick;
  const lines = wrap(content, size, width);
  const lineHeight = Math.ceil(size * 1.4);
  const nodes = lines.map((line, i) =>
    text(line, 0, size + i * lineHeight, { size, color: theme.color.muted }),
  );
  return { width, height: lines.length * lineHeight, body: group(0, 0, nodes) };
}

/** The figure as an SVG document: margin, title, subtitle, panel. */
export function figureSvg(panel: Panel, { title = '', subtitle = '' }: FigureOptions = {}): string {
  const { margin, size } = theme;
  const head: SvgNode[] = [];
  const wanted = Math.max(
    textWidth(title, size.title, { bold: true }),
    textWidth(subtitle, size.label),
  );
  // A long title may widen a small picture, up to a point.
  const width = Math.max(panel.width, Math.min(wanted, 560));
  let y = margin;
  for (const line of title === '' ? [] : wrap(title, size.title, width, true)) {
    head.push(text(line, margin, y + size.title, { size: size.title, bold: true }));
    y += Math.ceil(size.title * 1.45);
  }
  for (const line of subtitle === '' ? [] : wrap(subtitle, size.label, width)) {
    head.push(text(line, margin, y + size.label, { color: theme.color.muted }));
    y += Math.ceil(size.label * 1.5);
  }
  if (head.length > 0) y += 8;
  return svgDocument(width + 2 * margin, y + panel.height + margin, title || 'figure', [
    ...head,
    group(margin, y, [panel.body]),
  ]);
}

/** The figure as PNG bytes. */
export function figurePng(panel: Panel, options: FigureOptions = {}): Promise<Uint8Array> {
  return svgToPng(figureSvg(panel, options), { scale: options.scale ?? 1 });
}

/** A panel that says why there is nothing to see. */
export function emptyPanel(message: string, width = 320, height = 120): Panel {
  const node = text(message, width / 2, height / 2, {
    color: theme.color.muted,
    anchor: 'middle',
    centred: true,
  });
  return { width, height, body: node };
}

// Greedy line breaks at spaces; a word wider than the line is shortened.
function wrap(content: string, size: number, width: number, bold = false): string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of content.split(' ')) {
    const longer = current === '' ? word : `${current} ${word}`;
    if (current !== '' && textWidth(longer, size, { bold }) > width) {
      lines.push(current);
      current = word;
    } else {
      current = longer;
    }
  }
  lines.push(current);
  // A point between two parts does not stand at the end of a line.
  const ends = lines.map((line, i) => (i < lines.length - 1 ? line.replace(/ ·$/, '') : line));
  return ends.map((line) => fitText(line, size, width, { bold }));
}
