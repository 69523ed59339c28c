// The report of `npm run bench:cost`: a table of exponents, and charts.

import { lineChart } from '../lib/node.ts';
import { costBase, type CostAxis } from './costWorks.ts';
import {
  growthBeyondBase,
  growthExponent,
  growthLimits,
  type CostKind,
  type Place,
} from './costGrowth.ts';
import type { Precision } from '../lib/node.ts';

/**
 * A result line of `--json FILE`.
 *
 * @property value         position on the axis
 * @property restRssBytes  memory of the process with weights and inputs, before it worked; the peak is measured from then on (Linux)
 */
export interface CostRecord {
  axis: CostAxis;
  value: number;
  mode: 'train' | 'infer';
  precision: Precision;
  batch: number;
  tokens: number;
  width: number;
  depth: number;
  threads: number;
  rounds: number;
  medianMs: number;
  p25Ms: number;
  p75Ms: number;
  gflops: number;
  peakRssBytes: number;
  restRssBytes: number;
  processor: string;
  isa: string;
  versions: Record<string, string>;
}

/** The growth of one cost of one kind of work along an axis: to the power `exponent` (for memory at `least`) beyond `base`. */
export interface Growth {
  axis: CostAxis;
  mode: 'train' | 'infer';
  kind: CostKind;
  places: readonly Place[];
  exponent: number;
  least: number;
  base: number;
  limit: number;
}

const kinds: readonly CostKind[] = ['time', 'memory'];
const modes = ['train', 'infer'] as const;

/** The growths of an axis: training and inference, time and memory. */
export function growthsOf(records: readonly CostRecord[], axis: CostAxis): Growth[] {
  return kinds.flatMap((kind) =>
    modes.map((mode) => {
      const places = records
        .filter((record) => record.axis === axis && record.mode === mode)
        .map(({ value, medianMs, peakRssBytes }): Place => [
          value,
          kind === 'time' ? medianMs : peakRssBytes,
        ]);
      const limit = growthLimits[kind][axis];
      if (kind === 'memory')
        return { axis, mode, kind, places, ...growthBeyondBase(places), limit };
      const exponent = growthExponent(places);
      return { axis, mode, kind, places, exponent, least: exponent, base: 0, limit };
    }),
  );
}

/** The exponents as a Markdown table. */
export function growthTable(growths: readonly Growth[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const head = [
    'grows',
    'work',
    'cost',
    'smallest',
    'largest',
    'exponent',
    'at least',
    'beyond',
    'at most',
    '',
  ];
  const rows = growths.map(({ axis, mode, kind, places, exponent, least, base, limit }) => {
    const ends = [places[0]!, places.at(-1)!].map(
      ([x, y]) => `${x}: ${amount(y, kind)} ${kind === 'time' ? 'ms' : 'MB'}`,
    );
    const verdict = least <= limit ? 'fine' : 'TOO FAST';
    const beyond = kind === 'time' ? '–' : `${amount(base, kind)} MB`;
    const numbers = [exponent.toFixed(2), least.toFixed(2), beyond, limit.toFixed(1)];
    return [axis, mode, kind, ...ends, ...numbers, verdict];
  });
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** One chart: training and inference along an axis, with the exponents in the legend. */
export function growthChart(
  growths: readonly Growth[],
  about: { processor: string; precision: Precision; threads: number },
): Promise<Uint8Array> {
  const { axis, kind } = growths[0]!;
  const words = { train: 'training step', infer: 'inference' };
  // Training and inference have batches of different sizes, so their times are compared for one image.
  const perImage = kind === 'time' && axis !== 'batch';
  const shown = (mode: 'train' | 'infer', y: number): number => {
    if (kind === 'memory') return y / 1e6;
    return perImage ? y / batchesOf(axis)[mode] : y;
  };
  return lineChart({
    series: growths.map(({ mode, places, exponent, base }) => ({
      name:
        `${words[mode]}: exponent ${exponent.toFixed(2)}` +
        (kind === 'time' ? '' : ` beyond ${amount(base, kind)} MB`),
      points: places.map(([x, y]) => [x, shown(mode, y)] as const),
    })),
    xScale: 'log',
    yScale: 'log',
    xLabel: labels[axis],
    yLabel:
      kind === 'memory' ? 'MB at the peak' : perImage ? 'milliseconds an image' : 'milliseconds',
    title: `${kind === 'time' ? 'Time' : 'Memory'} against ${axis}, ${about.precision}`,
    subtitle: `native, ${about.processor}, ${about.threads} threads. ${baseLine(axis)}`,
    width: 560,
    height: 340,
    scale: 2,
  });
}

const labels: Readonly<Record<CostAxis, string>> = {
  batch: 'images in a batch',
  tokens: 'tokens N',
  width: 'width C',
  depth: 'blocks L',
};

function batchesOf(axis: CostAxis): { train: number; infer: number } {
  return axis === 'tokens' ? costBase.batchOfTokens : costBase.batch;
}

function baseLine(axis: CostAxis): string {
  const { rows, width, depth } = costBase;
  const batches = batchesOf(axis);
  const parts = [
    ['batch', `batch ${batches.train} (inference ${batches.infer})`],
    ['tokens', `${rows * rows + 1} tokens`],
    ['width', `${width} wide`],
    ['depth', `${depth} blocks`],
  ];
  return parts.flatMap(([name, text]) => (name === axis ? [] : [text])).join(', ');
}

function amount(value: number, kind: CostKind): string {
  const shown = kind === 'time' ? value : value / 1e6;
  return shown.toFixed(shown >= 100 ? 0 : shown >= 10 ? 1 : 2);
}
