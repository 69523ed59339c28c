// The reliability diagram of a classifier: accuracy over confidence.

import { assertFields, assertListOf } from '../core/kinds.ts';
import { assertInteger } from '../core/check.ts';
import { emptyPanel, figurePng, figureSvg } from './panel.ts';
import type { FigureOptions, Panel } from './panel.ts';
import { group, line, rect, text } from './svg.ts';
import type { SvgNode } from './svg.ts';
import { textWidth } from './textWidth.ts';
import { theme } from './theme.ts';

/**
 * The images whose confidence lies between `from` and `to`: their number, mean confidence and accuracy, null where there is none.
 */
export interface ReliabilityBin {
  from: number;
  to: number;
  images: number;
  confidence: number | null;
  accuracy: number | null;
}

/** The content of a reliability diagram: bins in order, and the size of the whole in pixels, default 400 × 400. */
export interface ReliabilityDiagramOptions extends FigureOptions {
  bins: readonly ReliabilityBin[];
  width?: number;
  height?: number;
}

/**
 * A reliability diagram as PNG bytes: the accuracy of each bin as a bar, its mean confidence as a line across it, and below, how many
 * images each bin has. Bars that end on the diagonal belong to a calibrated model.
 *
 * Source: Guo et al. 2017, fig. 1.
 */
export function reliabilityDiagram(options: ReliabilityDiagramOptions): Promise<Uint8Array> {
  return figurePng(reliabilityPanel(options), { title: 'Reliability', ...options });
}

/** The same picture as an SVG document. */
export function reliabilityDiagramSvg(options: ReliabilityDiagramOptions): string {
  return figureSvg(reliabilityPanel(options), { title: 'Reliability', ...options });
}

function reliabilityPanel(options: ReliabilityDiagramOptions): Panel {
  assertFields('the reliability diagram', options, { bins: 'list', title: 'text?' });
  const { bins, width = 400, height = 400 } = options;
  assertListOf('bins', bins, 'instance');
  assertInteger('width', width, { min: 160, max: 8192 });
  assertInteger('height', height, { min: 200, max: 8192 });
  const most = Math.max(0, ...bins.map(({ images }) => images));
  if (most === 0) return emptyPanel('no images', width, height);
  const size = theme.size.tick;
  const left = Math.ceil(textWidth('100 %', size)) + 10;
  const right = width - 10;
  const [top, counts] = [28, 56];
  const bottom = height - counts - 62;
  const toX = (value: number) => left + value * (right - left);
  const toY = (value: number) => bottom - value * (bottom - top);
  const [blue, orange] = theme.color.series;
  const nodes: SvgNode[] = [
    text('share that is right', 0, top - 14, { size: theme.size.label }),
    ...axes({ left, right, top, bottom }, toX, toY),
  ];
  const countTop = bottom + 22;
  nodes.push(text('images', 0, countTop + counts - 2, { size, color: theme.color.muted }));
  for (const { from, to, images, confidence, accuracy } of bins) {
    if (images === 0 || accuracy === null || confidence === null) continue;
    const [x, w] = [toX(from) + 1, Math.max(1, toX(to) - toX(from) - 2)];
    nodes.push(
      rect(x, toY(accuracy), w, bottom - toY(accuracy), { fill: blue, 'fill-opacity': 0.75 }),
    );
    const mark = { stroke: orange, 'stroke-width': 3 };
    nodes.push(line([x, toY(confidence)], [x + w, toY(confidence)], mark));
    const h = Math.max(1, (counts * images) / most);
    nodes.push(rect(x, countTop + counts - h, w, h, { fill: theme.color.axis }));
  }
  nodes.push(line([left, countTop + counts], [right, countTop + counts]));
  const diagonal = { stroke: theme.color.text, 'stroke-dasharray': '4 4' };
  nodes.push(line([toX(0), toY(0)], [toX(1), toY(1)], diagonal));
  const label = { size: theme.size.label, anchor: 'middle' } as const;
  nodes.push(
    text('confidence: probability of the predicted class', (left + right) / 2, height - 24, label),
  );
  nodes.push(
    ...legend(left, height - 8, [
      ['accuracy', blue],
      ['mean confidence', orange],
    ]),
  );
  return { width, height, body: group(0, 0, nodes) };
}

function axes(
  { left, right, bottom }: { left: number; right: number; top: number; bottom: number },
  toX: (value: number) => number,
  toY: (value: number) => number,
): SvgNode[] {
  const style = { size: theme.size.tick, color: theme.color.muted } as const;
  return [0, 0.25, 0.5, 0.75, 1].flatMap((value) => {
    const label = `${value * 100} %`;
    return [
      line([left, toY(value)], [right, toY(value)], { stroke: theme.color.grid }),
      text(label, left - 7, toY(value), { ...style, anchor: 'end', centred: true }),
      line([toX(value), bottom], [toX(value), bottom + 4]),
      text(label, Math.min(toX(value), right - 12), bottom + 16, { ...style, anchor: 'middle' }),
    ];
  });
}

function legend(
  left: number,
  y: number,
  entries: readonly (readonly [string, string])[],
): SvgNode[] {
  let x = left;
  return entries.flatMap(([name, color]) => {
    const at = x;
    x += 20 + textWidth(name, theme.size.tick) + 16;
    return [
      rect(at, y - 9, 12, 10, { fill: color }),
      text(name, at + 18, y, { size: theme.size.tick }),
    ];
  });
}
