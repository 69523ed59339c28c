// SVG elements, built from checked numbers and escaped text.

import { InputError, expected } from '../core/errors.ts';
import { theme } from './theme.ts';

/** A piece of SVG that is known to be well formed: only this file makes one, and it escapes all text. */
export interface SvgNode {
  readonly markup: string;
}

/** Attributes of an element; `undefined` leaves one out. Numbers are written with at most three decimals. */
export type SvgAttributes = Readonly<Record<string, string | number | undefined>>;

/**
 * One SVG element.
 *
 * @throws InputError if a number is NaN or infinite: it would silently hide the element
 *
 * @example
 * element('rect', {x: 0, y: 0, width: 10, height: 4, fill: '#fff'});
 */
export function element(
  name: string,
  attributes: SvgAttributes = {},
  children: readonly SvgNode[] = [],
): SvgNode {
  let open = name;
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined) continue;
    const written = typeof value === 'number' ? writeNumber(key, value) : escapeXml(value);
    open += ` ${key}="${written}"`;
  }
  if (children.length === 0) return { markup: `<${open}/>` };
  return { markup: `<${open}>${children.map(({ markup }) => markup).join('')}</${name}>` };
}

/** Elements that belong together, moved by (x, y). */
export function group(x: number, y: number, children: readonly SvgNode[]): SvgNode {
  const transform =
    x === 0 && y === 0 ? undefined : `translate(${writeNumber('x', x)} ${writeNumber('y', y)})`;
  return element('g', { transform }, children);
}

/** The style of a line of text. */
export interface TextStyle {
  size?: number;
  color?: string;
  bold?: boolean;
  /** The point of the line that stands at x. */
  anchor?: 'start' | 'middle' | 'end';
  /** true: the middle of the letters is at y; false: their baseline. */
  centred?: boolean;
  /** Degrees, clockwise around (x, y). */
  rotateDegrees?: number;
}

/** A line of text at (x, y). Any character may occur in it: class names hold `<` and `&`. */
export function text(content: string, x: number, y: number, style: TextStyle = {}): SvgNode {
  const {
    size = theme.size.label,
    color = theme.color.text,
    bold = false,
    anchor = 'start',
  } = style;
  // Half the height of a digit; `dominant-baseline` differs between renderers.
  const baseline = style.centred === true ? y + size * 0.36 : y;
  const attributes = {
    x,
    y: style.rotateDegrees === undefined ? baseline : y,
    dy: style.rotateDegrees !== undefined && style.centred === true ? size * 0.36 : undefined,
    'font-size': size,
    'font-weight': bold ? 'bold' : undefined,
    'text-anchor': anchor === 'start' ? undefined : anchor,
    fill: color,
    transform:
      style.rotateDegrees === undefined
        ? undefined
        : `rotate(${writeNumber('rotateDegrees', style.rotateDegrees)} ${writeNumber('x', x)} ${writeNumber('y', y)})`,
  };
  return element('text', attributes, [{ markup: escapeXml(content) }]);
}

/** A straight line. */
export function line(
  [x1, y1]: readonly [number, number],
  [x2, y2]: readonly [number, number],
  attributes: SvgAttributes = {},
): SvgNode {
  return element('line', { x1, y1, x2, y2, stroke: theme.color.axis, ...attributes });
}

/** A filled rectangle. */
export function rect(
  x: number,
  y: number,
  width: number,
  height: number,
  attributes: SvgAttributes,
): SvgNode {
  return element('rect', { x, y, width, height, ...attributes });
}

/** A whole document, on the background of the theme. `label` is what a screen reader says. */
export function svgDocument(
  width: number,
  height: number,
  label: string,
  children: readonly SvgNode[],
): string {
  const [w, h] = [Math.ceil(width), Math.ceil(height)];
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    width: w,
    height: h,
    viewBox: `0 0 ${w} ${h}`,
    role: 'img',
    'aria-label': label,
    'font-family': theme.font,
  };
  const background = rect(0, 0, w, h, { fill: theme.color.background });
  return element('svg', attributes, [background, ...children]).markup;
}

/** Text as XML allows it: markup escaped; control characters, marks of direction and lone surrogates replaced by U+FFFD. */
export function escapeXml(content: string): string {
  return (
    content
      // eslint-disable-next-line no-control-regex
      .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\ufffe\uffff]/g, '\ufffd')
      .replace(/[\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '\ufffd')
      .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
  );
}

function writeNumber(name: string, value: number): string {
  if (!Number.isFinite(value)) throw new InputError(expected('a finite number', name, value));
  return String(Math.round(value * 1000) / 1000 + 0);
}
