// The sections of a report about classes: precision, recall and F1 of each, and which ones are confused.

import { classLabel, percent } from '../core/format.ts';
import { html, type Html } from './html.ts';
import type { Evidence } from './evidence.ts';
import type { RunReport } from './runReport.ts';

// A table of so many classes is shown whole; of more, the weakest are, and the rest can be opened, up to a limit.
const shownClasses = 30;
const listedClasses = 1000;
const matrixClasses = 30;

/** The table of classes. */
export function classSection({ classNames }: RunReport, { classes }: Evidence): Html {
  const order = classes.map((_, k) => k);
  const weakest = order
    .filter((k) => classes[k]!.support > 0)
    .sort((a, b) => (classes[a]!.f1 ?? 0) - (classes[b]!.f1 ?? 0) || a - b);
  const rowsOf = (some: readonly number[]) => some.map((k) => classRow(k, classNames, classes[k]!));
  if (classes.length <= shownClasses) return section(html`${table(rowsOf(order))}`);
  const listed = weakest.slice(0, listedClasses);
  const rest = listed.slice(shownClasses);
  return section(
    html`<p class="quiet">
        The ${Math.min(shownClasses, listed.length)} weakest of ${classes.length}, by F1.
      </p>
      ${table(rowsOf(listed.slice(0, shownClasses)))}
      ${
        rest.length === 0
          ? []
          : [
              html`<details>
                <summary>The next ${rest.length}</summary>
                ${table(rowsOf(rest))}
              </details>`,
            ]
      }`,
  );
}

function section(body: Html): Html {
  return html`<section id="classes">
    <h2>Classes</h2>
    <p class="quiet">
      Precision: of the images that were given the class, the share that are of it. Recall: of its
      images, the share that was found. F1: their harmonic mean. Support: its images here.
    </p>
    ${body}
  </section>`;
}

function table(rows: readonly Html[]): Html {
  return html`<div class="scroll">
    <table class="classes">
      <thead>
        <tr>
          <th scope="col">Class</th>
          <th scope="col">Precision</th>
          <th scope="col">Recall</th>
          <th scope="col">F1</th>
          <th scope="col">Support</th>
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

function classRow(
  k: number,
  classNames: readonly string[],
  { precision, recall, f1, support }: Evidence['classes'][number],
): Html {
  return html`<tr>
    <th scope="row">${classLabel(k, classNames)}</th>
    ${share(precision)}${share(recall)}${share(f1)}
    <td>${support}</td>
  </tr> `;
}

function share(value: number | null): Html {
  if (value === null) return html`<td>–</td>`;
  return html`<td class="bar" style="--p:${(100 * value).toFixed(1)}%">${percent(value)}</td>`;
}

/** The confusion matrix; of many classes that of those which are confused most. */
export function confusionSection(report: RunReport, evidence: Evidence): Html {
  const { classNames, evaluated } = report;
  const { confusions } = evidence;
  const name = (k: number) => classLabel(k, classNames);
  const all = classNames.length <= matrixClasses;
  const shown = all ? classNames.map((_, k) => k) : mostConfused(evidence);
  const pairs = confusions
    .slice(0, 5)
    .map(
      ({ actual, predicted, images }) =>
        html`<li>
          “${name(actual)}” taken for “${name(predicted)}”: ${images} of
          ${evidence.classes[actual]!.support}
        </li>`,
    );
  const which = all
    ? ''
    : ` Of ${classNames.length} classes the ${shown.length} that are confused most; the last column counts the others.`;
  return html`<section id="confusion">
    <h2>Confusion matrix</h2>
    <p class="quiet">
      Rows are the true classes, columns the predicted ones; the colour is the share of the
      row.${which}
    </p>
    ${
      pairs.length === 0
        ? [html`<p>No image was put into a wrong class.</p>`]
        : [
            html`<ul>
              ${pairs}
            </ul>`,
          ]
    }
    <div class="scroll">${matrix(evaluated!.predictions, shown, { classNames, rest: !all })}</div>
  </section>`;
}

// Classes in the order of the mistakes that they take part in, then in their own.
function mostConfused({ confusions, classes }: Evidence): number[] {
  const mistakes = new Float64Array(classes.length);
  for (const { actual, predicted, images } of confusions) {
    mistakes[actual]! += images;
    mistakes[predicted]! += images;
  }
  const order = [...mistakes.keys()].sort((a, b) => mistakes[b]! - mistakes[a]! || a - b);
  return order.slice(0, matrixClasses - 5).sort((a, b) => a - b);
}

function matrix(
  { labels, predicted }: { labels: Int32Array; predicted: Int32Array },
  shown: readonly number[],
  { classNames, rest }: { classNames: readonly string[]; rest: boolean },
): Html {
  const place = new Map(shown.map((k, i) => [k, i]));
  const columns = shown.length + (rest ? 1 : 0);
  const counts = shown.map(() => new Uint32Array(columns));
  labels.forEach((label, i) => {
    const row = place.get(label);
    if (row !== undefined) counts[row]![place.get(predicted[i]!) ?? shown.length]! += 1;
  });
  const name = (k: number) => classLabel(k, classNames);
  const heads = shown.map((k) => html`<th scope="col" title="${name(k)}">${name(k)}</th>`);
  const rows = shown.map((k, row) => {
    const total = counts[row]!.reduce((a, b) => a + b, 0);
    const cells = [...counts[row]!].map((count, column) => {
      const part = total === 0 ? 0 : count / total;
      const to = column < shown.length ? name(shown[column]!) : 'another class';
      const kind = `${part > 0.5 ? 'strong' : ''}${column === row ? ' own' : ''}`.trim();
      return html`<td
        class="${kind}"
        style="--p:${(100 * part).toFixed(1)}%"
        title="${name(k)} → ${to}: ${count} of ${total}"
      >
        ${count === 0 ? '' : count}
      </td>`;
    });
    return html`<tr>
      <th scope="row" title="${name(k)}">${name(k)}</th>
      ${cells}
    </tr> `;
  });
  const last = rest ? [html`<th scope="col">others</th>`] : [];
  const short = !rest && shown.every((k) => [...name(k)].length <= 3) ? ' short' : '';
  return html`<table class="confusion${short}">
    <caption>
      true class ↓ · predicted class →
    </caption>
    <thead>
      <tr>
        <td class="corner" style="--p:0%;border:0"></td>
        ${heads}${last}
      </tr>
    </thead>
    <tbody>
      ${rows}
    </tbody>
  </table>`;
}
