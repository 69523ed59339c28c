// HTML that is built from escaped text.

import { escapeXml } from '../figures/svg.ts';
import { theme } from '../figures/theme.ts';

/** A piece of HTML that is known to be well formed: only this file makes one, and it escapes all text. */
export interface Html {
  readonly markup: string;
}

/** A value that stands in a piece of HTML; text and numbers are escaped, undefined is nothing. */
export type HtmlValue = string | number | undefined | Html | readonly Html[];

/**
 * A piece of HTML: a template whose values are escaped, in elements and in attributes with double quotes.
 *
 * @example html`<td title="${name}">${count}</td>`
 */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  const markup = parts.map((part, i) => part + (i < values.length ? written(values[i]) : ''));
  return { markup: markup.join('') };
}

function written(value: HtmlValue): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return escapeXml(value);
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) return (value as Html[]).map(({ markup }) => markup).join('');
  return (value as Html).markup;
}

/** Styles of our own as a `<style>` element, which are not escaped. */
export function styleElement(styles: string): Html {
  return { markup: `<style>${styles}</style>` };
}

const { color } = theme;
const colorNames = new Map<string, string>([
  [color.background, 'none'],
  [color.text, 'var(--text)'],
  [color.muted, 'var(--muted)'],
  [color.axis, 'var(--axis)'],
  [color.grid, 'var(--line)'],
  [color.empty, 'var(--sunken)'],
  ...color.series.map((one, i): [string, string] => [
    one,
    i === 6 ? 'var(--text)' : `var(--series-${i})`,
  ]),
]);

/** A figure of ours inside a page: its colours and font are those of the page, and it shrinks with it. */
export function inlineSvg(svg: string): Html {
  let markup = svg.replace(/ font-family="[^"]*"/, ' class="figure"');
  for (const [own, name] of colorNames) markup = markup.replaceAll(`"${own}"`, `"${name}"`);
  return { markup };
}
