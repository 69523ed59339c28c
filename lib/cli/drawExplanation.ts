// The picture of an explanation of one image, with its numbers: what `explain` writes.

import path from 'node:path';
import { classLabel, percent, shorten } from '../core/format.ts';
import { csvTable } from '../core/textTable.ts';
import { InputError, expected } from '../core/errors.ts';
import { attnLrp } from '../explain/attnLrp.ts';
import { described } from '../explain/explain.ts';
import { explanationMethod, type MethodOptions } from '../explain/methods.ts';
import { integratedGradients } from '../explain/integratedGradients.ts';
import { classIndex } from '../explain/target.ts';
import { darkSvg } from '../figures/darkSvg.ts';
import { explanationSheetSvg } from '../figures/explanationSheet.ts';
import * as t from '../ops/tensor.ts';
import { assertClassifier } from './classifier.ts';
import { checkpointTitle } from './checkpointTitle.ts';
import { openImage } from './inputImage.ts';
import { writeAtomically } from './outputFile.ts';
import { encodePicture } from './pictureFile.ts';
import { assertNamedModel, loadTrained } from './trainedModel.ts';
import { useBackend } from './useBackend.ts';
import type { BackendOptions } from '../backends/select.ts';
import type { Precision } from '../core/precision.ts';
import type { Explanation } from '../explain/explanation.ts';
import type { Ledger } from '../explain/lrp/ledger.ts';
import type { Bar } from '../figures/barChart.ts';
import type { Colormap } from '../figures/colormap.ts';
import type { Interpolation } from '../figures/resample.ts';
import type { Terminal } from './command.ts';

/**
 * The options of `drawExplanation`.
 *
 * @property target   the class, by number or name; default the predicted one
 * @property second   another class beside it; default the likeliest other one; `none`: no other
 * @property ledger   draws and prints where the logit comes from
 */
export interface DrawExplanationOptions extends BackendOptions {
  image: string;
  checkpoint: string;
  modelName?: string | undefined;
  method: string;
  target?: string | undefined;
  second?: string | undefined;
  startLayer?: number | undefined;
  colormap?: Colormap | undefined;
  interpolation: Interpolation;
  theme: 'light' | 'dark';
  ledger: boolean;
  output: string;
  json?: string | undefined;
  csv?: string | undefined;
  precision?: Precision;
}

interface ClassMap {
  index: number;
  label: string;
  logit: number;
  probability: number;
  map: Explanation['maps'][0];
}

/** Writes the picture and the numbers of an explanation, and says what they show. @returns the exit code 0 */
export async function drawExplanation(
  options: DrawExplanationOptions,
  terminal: Terminal,
): Promise<number> {
  const { backend, threads, precision = 'fp32' } = options;
  const method = explanationMethod(options.method);
  await useBackend({ backend, threads, precision }, terminal);
  const trained = await loadTrained(options.checkpoint, terminal.error, {
    model: options.modelName,
  });
  const { model, classNames } = trained;
  try {
    assertNamedModel(model, options.modelName);
    assertClassifier(model, 'explain');
    const input = await openImage(options.image, trained, terminal.error);
    const { height, width, channels } = input.picture;
    const images = t.tensor4d(input.pixels, [1, height, width, channels]);
    try {
      const shared: MethodOptions = {
        precision,
        ...(options.startLayer !== undefined && { startLayer: options.startLayer }),
      };
      const wanted = (word: string | undefined, flag: string) =>
        word === undefined ? undefined : classIndex(word, model.numClasses, classNames, flag);
      const target = wanted(options.target, '--class-index');
      const explained = await method.run(model, images, { ...shared, target });
      const about = described(explained, classNames);
      const classes = [mapOf(explained, about, classNames, explained.targets[0]!)];
      const other =
        options.second === 'none' || !method.knowsClass || model.numClasses < 2
          ? undefined
          : (wanted(options.second, '--second-class') ?? likeliestBut(about, classes[0]!.index));
      if (other !== undefined) {
        const beside = await method.run(model, images, { ...shared, target: other });
        classes.push(mapOf(beside, about, classNames, other));
      }
      const ledger = options.ledger
        ? await ledgerOf(options.method, model, images, classes[0]!.index)
        : undefined;
      const title = await checkpointTitle(trained.path);
      const [rows, columns] = [about.map.height, about.map.width];
      const svg = explanationSheetSvg({
        image: input.picture,
        classes: classes.map(({ label, probability, map }, i) => ({
          heading: method.knowsClass
            ? `${i === 0 ? 'For' : 'And for'} ${shorten(label, 18)} (${percent(probability)})`
            : 'Over the input',
          map,
        })),
        signed: method.signed,
        interpolation: options.interpolation,
        bars: likeliestBars(about, classNames, classes[0]!.index),
        label: method.knowsClass ? 'relevance' : 'share',
        title: `Predicted ${shorten(about.label, 40)} (${percent(about.probability)}): ${
          method.knowsClass
            ? `what speaks for ${shorten(classes[0]!.label, 40)}`
            : 'where the model looked'
        }`,
        subtitle: `${input.title} · ${method.describe} · ${rows} × ${columns} patches`,
        footer: `${title} · ${classesInWords(model.numClasses, classNames)}${classes.length > 1 ? ' · Each overlay has colours of its own range.' : ''}${about.constant ? ' · The map says the same of every patch.' : ''}`,
        ...(options.colormap !== undefined && { colormap: options.colormap }),
        ...(ledger !== undefined && {
          ledger: {
            parts: ledger.entries.map(({ name, value }) => ({ label: name, value })),
            total: { label: 'logit', value: ledger.total },
          },
        }),
      });
      const drawn = options.theme === 'dark' ? darkSvg(svg) : svg;
      await writeAtomically(
        options.output,
        await encodePicture(drawn, { file: options.output, scale: 2 }),
      );
      const record = {
        schema: 'vit-explanation/1',
        image: input.source,
        checkpoint: trained.path,
        method: method.name,
        predicted: { index: about.index, label: about.label, probability: about.probability },
        gridSize: [rows, columns],
        constant: about.constant,
        classes: classes.map(({ map, ...one }) => ({ ...one, map: rowsOf(map) })),
        ...(ledger !== undefined && { ledger }),
      };
      if (options.json !== undefined) {
        await writeAtomically(options.json, `${JSON.stringify(record, undefined, 2)}\n`);
      }
      if (options.csv !== undefined) await writeAtomically(options.csv, csvOf(classes));
      terminal.out(`${input.title}: ${about.label} with ${percent(about.probability, 2)}`);
      terminal.out(`Model: ${title}`);
      if (about.constant)
        terminal.out('The map says the same of every patch: nothing speaks for the class.');
      if (ledger !== undefined) for (const line of ledgerLines(ledger)) terminal.out(line);
      terminal.out(`Wrote ${path.resolve(options.output)}`);
      return 0;
    } finally {
      images.dispose();
    }
  } finally {
    model.dispose();
  }
}

function mapOf(
  { maps, logits }: Explanation,
  { probabilities }: ReturnType<typeof described>,
  classNames: readonly string[] | undefined,
  index: number,
): ClassMap {
  return {
    index,
    label: classLabel(index, classNames),
    logit: logits[0]![index]!,
    probability: probabilities[index]!,
    map: maps[0]!,
  };
}

function likeliestBut({ probabilities }: ReturnType<typeof described>, index: number): number {
  let best = index === 0 ? 1 : 0;
  probabilities.forEach((value, k) => {
    if (k !== index && value > probabilities[best]!) best = k;
  });
  return best;
}

/** The five likeliest classes, and another one, as bars. */
export function likeliestBars(
  { probabilities, index }: ReturnType<typeof described>,
  classNames: readonly string[] | undefined,
  target: number,
): Bar[] {
  const order = Array.from(probabilities, (_, k) => k)
    .sort((a, b) => probabilities[b]! - probabilities[a]! || a - b)
    .slice(0, 5);
  if (!order.includes(target)) order.push(target);
  return order.map((k) => ({
    label: classLabel(k, classNames),
    value: probabilities[k]!,
    strong: k === index,
  }));
}

function classesInWords(count: number, classNames: readonly string[] | undefined): string {
  if (classNames === undefined) return `${count} classes`;
  const shown = classNames
    .slice(0, 10)
    .map((name, k) => shorten(classLabel(k, classNames) || name, 24));
  const more = count > shown.length ? `, … (${count} classes)` : '';
  return `classes: ${shown.join(', ')}${more}`;
}

function rowsOf({ height, width, data }: Explanation['maps'][0]): number[][] {
  return Array.from({ length: height }, (_, r) => [...data.subarray(r * width, (r + 1) * width)]);
}

function csvOf(classes: readonly ClassMap[]): string {
  const { height, width } = classes[0]!.map;
  const header = ['row', 'column', ...classes.map(({ label }) => label)];
  const cells = Array.from({ length: height * width }, (_, i) => [
    String(Math.floor(i / width)),
    String(i % width),
    ...classes.map(({ map }) => String(map.data[i]!)),
  ]);
  return csvTable({ head: header, rows: cells });
}

// The methods whose shares add up to the logit.
async function ledgerOf(
  name: string,
  model: Parameters<typeof attnLrp>[0],
  images: Parameters<typeof attnLrp>[1],
  target: number,
): Promise<Ledger> {
  if (name === 'integrated-gradients') {
    return (await integratedGradients(model, images, { target })).ledgers[0]!;
  }
  const gamma = name === 'attn-lrp-gamma' ? { gamma: 0.05, patchGamma: 0.25 } : {};
  if (name !== 'attn-lrp' && name !== 'attn-lrp-gamma') {
    const remedy = 'Their shares add up to the logit.';
    const what = 'attn-lrp, attn-lrp-gamma or integrated-gradients with --ledger';
    throw new InputError(expected(what, '--method', name, remedy));
  }
  return (await attnLrp(model, images, { target, ledger: true, ...gamma })).ledgers![0]!;
}

function ledgerLines({ entries, total, residual, blocks }: Ledger): string[] {
  const number = (value: number) => value.toFixed(6).padStart(14);
  const width = Math.max(...entries.map(({ name }) => name.length), 'rounding'.length);
  const line = (name: string, value: number) => `  ${name.padEnd(width)}${number(value)}`;
  return [
    'Where the logit comes from:',
    ...entries.map(({ name, value }) => line(name, value)),
    line('rounding', residual),
    line('logit', total),
    ...blocks.map(({ block, entries: parts, residual: rest }) => {
      const said = parts.map(({ name, value }) => `${name} ${value.toFixed(4)}`).join(', ');
      const place =
        block === blocks.length - 1 ? 'After the last block' : `Before block ${block + 1}`;
      return `${place}: ${said}, rounding ${rest.toExponential(1)}`;
    }),
  ];
}
