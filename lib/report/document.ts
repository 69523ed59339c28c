// The frame of an HTML document that refers to nothing outside of itself.

import { html, styleElement, type Html } from './html.ts';

// The policy lets a viewer load nothing from outside, whatever a name may hold.
const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/** A whole document of a title, styles of our own and the content of its body. */
export function documentOf(
  body: Html,
  { title, styles }: { title: string; styles: string },
): string {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        ${styleElement(styles)}
      </head>
      <body>
        ${body}
      </body>
    </html> `;
  return page.markup;
}
