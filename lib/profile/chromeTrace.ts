// Export of spans to the Trace Event Format of Chrome.

import { assertListOf } from '../core/kinds.ts';
import type { Described, KernelCall } from './cost.ts';
import type { Span } from './recorder.ts';
import { timeOf } from './rows.ts';
import { workOf } from './work.ts';

/**
 * Spans as a file of the Trace Event Format, which chrome://tracing and https://ui.perfetto.dev draw as a flame chart.
 *
 * A complete event (`ph` X) each, in µs from the first, in the order in which they began; a kernel's shapes and speeds are in its
 * arguments.
 *
 * @param title  what the viewer calls the process
 *
 * Source: "Trace Event Format", Google, 2016.
 */
export function chromeTrace(spans: readonly Span[], title = 'tfjs-vit'): string {
  assertListOf('spans', spans, 'instance');
  const origin = spans[0]?.start ?? 0;
  const place = { pid: 1, tid: 1 };
  const names = [
    { name: 'process_name', ph: 'M', ...place, args: { name: title } },
    { name: 'thread_name', ph: 'M', ...place, args: { name: 'main' } },
  ];
  const events = spans.map((span) => {
    // Whole nanoseconds: a child must not begin before or end after its parent by a rounding.
    const start = Math.round((span.start - origin) * 1e6);
    const end = Math.round((span.end - origin) * 1e6);
    return {
      name: span.name,
      cat: span.kind,
      ph: 'X',
      ts: start / 1000,
      dur: (end - start) / 1000,
      ...place,
      ...(span.call && { args: detailsOf(span, span.call) }),
    };
  });
  const lines = [...names, ...events].map((event) => JSON.stringify(event));
  return `{"displayTimeUnit":"ms","traceEvents":[\n${lines.join(',\n')}\n]}\n`;
}

function detailsOf(span: Span, call: KernelCall): Record<string, string | number> {
  const { flops = 0, bytes } = workOf(span.name, call);
  const ms = timeOf(span);
  return {
    inputs: shapesOf(Object.values(call.inputs)),
    outputs: shapesOf(call.outputs),
    ...(flops > 0 && { 'GFLOP/s': rounded(flops / ms / 1e6) }),
    ...(bytes > 0 && { 'GB/s': rounded(bytes / ms / 1e6) }),
  };
}

// AdamW has hundreds.
function shapesOf(tensors: readonly (Described | undefined)[], most = 8): string {
  const given = tensors.filter((tensor) => tensor !== undefined);
  const shown = given.slice(0, most).map(({ shape }) => `[${shape.join(',')}]`);
  if (given.length > most) shown.push(`and ${given.length - most} more`);
  return shown.join(' ');
}

function rounded(value: number): number {
  return Number.isFinite(value) ? Number(value.toPrecision(3)) : 0;
}
