// The report of a run as one HTML file that needs nothing else.

import { classLabel, percent } from '../core/format.ts';
import { figureSvg } from '../figures/panel.ts';
import { reliabilityDiagramSvg } from '../figures/reliabilityDiagram.ts';
import { curvePanels } from '../figures/trainingCurves.ts';
import { adviceFor } from './advice.ts';
import { classSection, confusionSection } from './classSections.ts';
import { evidenceOf, type Evidence } from './evidence.ts';
import { documentOf } from './document.ts';
import { formingSection } from './formingAttention.ts';
import { html, inlineSvg, type Html } from './html.ts';
import type { RunReport, WorstImage } from './runReport.ts';
import { reportStyles } from './style.ts';

/**
 * The report of a run as an HTML document: results, what to try next, curves, classes, confusions, the worst images, calibration, facts.
 *
 * It refers to nothing outside of itself, follows the viewer's light or dark setting, and uses the viewer's fonts, so names may be in
 * any script. The same content gives the same bytes.
 */
export function reportPage(report: RunReport): string {
  const evidence = evidenceOf(report);
  const body = html`<main>
    <header>
      <h1>${report.name}</h1>
      <p class="lead">${leadOf(report, evidence)}</p>
    </header>
    ${cards(report, evidence)} ${adviceSection(report, evidence)} ${curvesSection(report)}
    ${formingSection(report.forming)}
    ${evidence === undefined ? [] : evaluatedSections(report, evidence)} ${factsSection(report)}
    <footer>Written by tfjs-vit. <code>tfjs-vit report</code> writes it anew.</footer>
  </main>`;
  return documentOf(body, { title: `Report of ${report.name}`, styles: reportStyles });
}

function evaluatedSections(report: RunReport, evidence: Evidence): Html[] {
  return [
    classSection(report, evidence),
    confusionSection(report, evidence),
    worstSection(report),
    calibrationSection(evidence),
  ];
}

const partNames = { validation: 'held-out images', test: 'test images' } as const;

function leadOf({ evaluated, best }: RunReport, evidence: Evidence | undefined): string {
  if (evidence === undefined)
    return 'No images were held out, so there is nothing to measure it on.';
  const { images, top1 } = evidence;
  const chosen =
    evaluated!.part === 'validation'
      ? ', the same on which the epoch was chosen, so it may flatter a little'
      : '';
  return `The checkpoint of epoch ${best ?? 0} classifies ${percent(top1)} of ${images} ${partNames[evaluated!.part]} correctly${chosen}.`;
}

function cards(report: RunReport, evidence: Evidence | undefined): Html {
  const { log, epochs, end, best } = report;
  const how = { finished: 'finished', earlyStop: 'ended early', unfinished: 'not finished' }[end];
  const seconds = log.reduce((sum, entry) => sum + entry.seconds, 0);
  const shown: [value: string, name: string][] = [];
  if (evidence !== undefined) {
    const { top1, interval, loss, calibration, images } = evidence;
    const [low, high] = interval.map((end) => (100 * end).toFixed(1));
    shown.push([percent(top1), `top-1 (95 %: ${low} to ${high} %)`]);
    const { training } = report.evaluated!;
    if (training) shown.push([percent(training.top1), `of ${training.images} training images`]);
    shown.push([loss.toFixed(3), 'cross-entropy in nats']);
    shown.push([percent(calibration.ece), 'calibration error (ECE)']);
    shown.push([String(images), partNames[report.evaluated!.part]]);
  }
  shown.push([
    `${log.length} of ${epochs}`,
    `epochs, ${how}${best === null ? '' : `; best: ${best}`}`,
  ]);
  shown.push([duration(seconds), 'training and validation']);
  return html`<div class="cards">
    ${shown.map(
      ([value, name]) => html`<div class="card"><b>${value}</b><span>${name}</span></div>`,
    )}
  </div>`;
}

function adviceSection(report: RunReport, evidence: Evidence | undefined): Html {
  const advice = adviceFor(report, evidence);
  const list = advice.map(
    ({ tone, title, text }) => html`<li class="${tone}"><b>${title}</b>${text}</li>`,
  );
  return html`<section id="next">
    <h2>What to try next</h2>
    ${
      list.length === 0
        ? [html`<p>Nothing in the numbers stands out.</p>`]
        : [
            html`<ul class="advice">
              ${list}
            </ul>`,
          ]
    }
  </section>`;
}

function curvesSection({ log, classNames, smoothing }: RunReport): Html {
  const panels = curvePanels(log, { numClasses: classNames.length });
  const titles = ['Loss over epochs', 'Accuracy over epochs'];
  const charts = panels.map((panel, i) =>
    inlineSvg(figureSvg(panel).replace('aria-label="figure"', `aria-label="${titles[i]!}"`)),
  );
  const why = html`<p class="quiet">
    The training loss is measured on augmented
    images${smoothing > 0 ? ` and smoothed labels (ε = ${smoothing})` : ''}, the validation loss on
    plain ones, so the two are not on the same scale.
  </p>`;
  return html`<section id="curves">
    <h2>Training</h2>
    <div class="pair">${charts}</div>
    ${why}
  </section>`;
}

function worstSection({ evaluated, classNames }: RunReport): Html {
  const { predictions, worst } = evaluated!;
  const name = (k: number) => classLabel(k, classNames);
  const figures = worst.map(({ index, uri, width, height, file, maps }) => {
    const [label, predicted] = [predictions.labels[index]!, predictions.predicted[index]!];
    const right = label === predicted;
    const verdict = right
      ? html`<span class="yes">found, ${percent(predictions.confidences[index]!)}</span>`
      : html`<span class="no"
            >taken for ${name(predicted)}, ${percent(predictions.confidences[index]!)}</span
          ><br /><span class="quiet"
            >true class ${percent(predictions.trueConfidences[index]!)}</span
          >`;
    const alt = `An image of ${name(label)}, ${right ? 'found' : `taken for ${name(predicted)}`}`;
    const small = Math.max(width, height) <= 64 ? 'small' : '';
    return html`<figure>
      <div class="picture">
        <img
          class="${small}"
          src="${uri}"
          width="${width}"
          height="${height}"
          alt="${alt}"
          loading="lazy"
        />
      </div>
      ${mapsBelow(maps, alt)}
      <figcaption>
        <b>${name(label)}</b><br />${verdict}${
          file === undefined ? [] : [html`<span class="file">${file}</span>`]
        }
      </figcaption>
    </figure> `;
  });
  return html`<section id="worst">
    <h2>The worst images</h2>
    <p class="quiet">
      Those with the highest loss: the least probability for the true class, which stands in
      bold.${
        worst.some(({ maps }) => maps !== undefined)
          ? ' Below the first ones: where the model looked (rollout), and what spoke for the class that it took the image for (relevance).'
          : ''
      }
    </p>
    <div class="worst">${figures}</div>
  </section>`;
}

function mapsBelow(maps: WorstImage['maps'], alt: string): Html[] {
  if (maps === undefined) return [];
  const pictures = maps.map(
    ({ name, uri }) =>
      html`<span
        ><img src="${uri}" alt="${alt}: ${name}" loading="lazy" /><span class="quiet"
          >${name}</span
        ></span
      >`,
  );
  return [html`<div class="maps">${pictures}</div>`];
}

function calibrationSection({ calibration, meanConfidence, top1 }: Evidence): Html {
  const { ece, maxGap, bins } = calibration;
  const svg = reliabilityDiagramSvg({ bins, title: '' });
  const rows = bins
    .filter(({ images }) => images > 0)
    .map(
      ({ from, to, images, confidence, accuracy }) =>
        html`<tr>
          <th scope="row">${percent(from, 0)} to ${percent(to, 0)}</th>
          <td>${images}</td>
          <td>${percent(confidence!)}</td>
          <td>${percent(accuracy!)}</td>
        </tr>`,
    );
  return html`<section id="calibration">
    <h2>Calibration</h2>
    <div class="pair">
      <div>
        ${inlineSvg(
          svg.replace(
            'aria-label="figure"',
            'aria-label="Reliability diagram: accuracy over confidence"',
          ),
        )}
      </div>
      <div>
        <p>
          Expected calibration error: <b>${percent(ece)}</b>, the largest gap ${percent(maxGap)} (15
          bins). The model gives its answers ${percent(meanConfidence)} on average and is right in
          ${percent(top1)}.
        </p>
        <p class="quiet">
          Bars below the dashed line: it is too sure there; above: it is less sure than it may be.
        </p>
        <details>
          <summary>The bins as a table</summary>
          <table class="classes">
            <thead>
              <tr>
                <th scope="col">Confidence</th>
                <th scope="col">Images</th>
                <th scope="col">Mean confidence</th>
                <th scope="col">Right</th>
              </tr>
            </thead>
            <tbody>
              ${rows}
            </tbody>
          </table>
        </details>
      </div>
    </div>
  </section>`;
}

function factsSection({ facts }: RunReport): Html {
  const groups = facts.map(
    ({ title, facts: lines }) =>
      html`<div>
        <h3>${title}</h3>
        <table>
          <tbody>
            ${lines.map(
              ([name, value]) =>
                html`<tr>
                  <th scope="row">${name}</th>
                  <td>${value}</td>
                </tr>`,
            )}
          </tbody>
        </table>
      </div> `,
  );
  return html`<section id="facts">
    <h2>The run</h2>
    <div class="facts">${groups}</div>
  </section>`;
}

// Seconds as 45 s, 12 min, or 2.5 h.
function duration(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}
