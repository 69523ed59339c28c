// A profile for people and for programs. All figures are of one step, the mean of those measured.

import { percent } from '../core/format.ts';
import { barChartSvg } from '../figures/barChart.ts';
import type { KernelProfile } from '../profile/profileKernels.ts';

/** A profile of equal steps. */
export interface ProfiledSteps {
  label: string;
  imagesPerStep: number;
  steps: number;
  profile: KernelProfile;
}

/** The tables of phases and of kernels. @param top  kernels with a line of their own */
export function profileText(measured: ProfiledSteps, top: number): string {
  const { label, steps, profile } = measured;
  const { msPerStep, imagesPerSecond, gflops } = speedsOf(measured);
  const count = `${steps} step${steps === 1 ? '' : 's'}`;
  const phases = profile.phases.map(({ phase, ms, share, kernelMs }) => [
    phase,
    short(ms / steps),
    percent(share),
    short(kernelMs / steps),
  ]);
  const rest = profile.rows.slice(top);
  const sum = (pick: (row: (typeof rest)[number]) => number) =>
    rest.reduce((total, row) => total + pick(row), 0);
  const kernels = profile.rows
    .slice(0, top)
    .map((row) => [
      row.kernel,
      calls(row.calls / steps),
      short(row.selfMs / steps),
      percent(row.share),
      short(row.totalMs / steps),
      short(row.gflops),
      short(row.gbps),
    ]);
  if (rest.length > 0) {
    const name = `${rest.length} other${rest.length === 1 ? '' : 's'}`;
    const time = short(sum(({ selfMs }) => selfMs) / steps);
    const share = percent(sum((row) => row.share));
    kernels.push([name, calls(sum((row) => row.calls) / steps), time, share, '', '', '']);
  }
  const { outside } = profile;
  const closing = [
    ['outside kernels', '', short(outside.ms / steps), percent(outside.share), '', '', ''],
    ['all', '', short(msPerStep), percent(1), '', short(gflops), ''],
  ];
  return [
    `${label} on ${profile.backend}: ${short(msPerStep)} ms a step (mean of ${count}), ` +
      `${short(imagesPerSecond)} images/s, ${short(gflops)} GFLOP/s`,
    '',
    ...table(['phase', 'ms', 'share', 'in kernels'], phases),
    '',
    ...table(
      ['kernel', 'calls', 'self ms', 'share', 'total ms', 'GFLOP/s', 'GB/s'],
      kernels,
      closing,
    ),
  ].join('\n');
}

/** The whole profile but its spans as JSON, one object. Shares are 0 … 1; without a formula or without work a speed is null. */
export function profileJson(measured: ProfiledSteps): string {
  const { label, imagesPerStep, steps, profile } = measured;
  const { backend, outside, work } = profile;
  const content = {
    work: label,
    backend,
    steps,
    imagesPerStep,
    ...speedsOf(measured),
    flopsPerStep: (work.flops ?? 0) / steps,
    phases: profile.phases.map(({ phase, ms, share, kernelMs }) => ({
      phase,
      ms: ms / steps,
      share,
      kernelMs: kernelMs / steps,
    })),
    kernels: profile.rows.map((row) => ({
      kernel: row.kernel,
      calls: row.calls / steps,
      selfMs: row.selfMs / steps,
      share: row.share,
      totalMs: row.totalMs / steps,
      flops: row.flops === undefined ? null : row.flops / steps,
      bytes: row.bytes / steps,
      gflops: row.gflops ?? null,
      gbps: row.gbps ?? null,
    })),
    outside: { ms: outside.ms / steps, share: outside.share },
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

/** The shares of the kernels that take longest, of all others and of the time outside kernels, as SVG. */
export function profileChart(measured: ProfiledSteps, top: number): string {
  const { label, profile } = measured;
  const { rows, outside, backend } = profile;
  const rest = rows.slice(top).reduce((sum, { share }) => sum + share, 0);
  return barChartSvg({
    title: `Where the time of a step goes on ${backend}`,
    subtitle: `${label}: ${short(speedsOf(measured).msPerStep)} ms`,
    width: 560,
    bars: [
      ...rows.slice(0, top).map(({ kernel, share }) => ({
        label: kernel,
        value: share,
        strong: true,
      })),
      ...(rows.length > top ? [{ label: 'other kernels', value: rest }] : []),
      { label: 'outside kernels', value: Math.max(0, outside.share) },
    ],
  });
}

function speedsOf({ imagesPerStep, steps, profile }: ProfiledSteps) {
  const msPerStep = profile.ms / steps;
  return {
    msPerStep,
    imagesPerSecond: (1000 * imagesPerStep) / msPerStep,
    gflops: (profile.work.flops ?? 0) / profile.ms / 1e6,
  };
}

function table(header: string[], rows: string[][], closing: string[][] = []): string[] {
  const all = [header, ...rows, ...closing];
  const widths = header.map((_, i) => Math.max(...all.map((cells) => cells[i]!.length)));
  const line = (cells: string[]): string =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)))
      .join('  ')
      .trimEnd();
  const ruler = widths.map((width) => '─'.repeat(width)).join('  ');
  return [
    line(header),
    ruler,
    ...rows.map(line),
    ...(closing.length > 0 ? [ruler] : []),
    ...closing.map(line),
  ];
}

// Three significant digits; a dash where there is no value.
function short(value: number | undefined): string {
  if (value === undefined) return '–';
  if (value >= 100) return value.toFixed(0);
  return value.toFixed(value >= 10 ? 1 : value >= 1 ? 2 : 3);
}

function calls(value: number): string {
  return Number.isInteger(value) ? `${value}` : value.toFixed(1);
}
