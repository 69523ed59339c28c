import { sizeOf } from '../../core/check.ts';
import { configWarnings, type VisionTransformerConfig } from './config.ts';
import { layerTable, type LayerRow } from './layerTable.ts';

/**
 * A model as a table: layers, shapes of their results, parameters, FLOPs (two for a multiply-add) for one image, and the totals.
 *
 * Needs the configuration alone, so a model too large for the machine can be looked at. Blocks after the first are one line.
 *
 * @example console.log(summarize(parseModelConfig({embedDim: 192, numHeads: 3})));
 */
export function summarize(config: VisionTransformerConfig): string {
  const rows = layerTable(config);
  const lines = rows.filter(({ name }) => !/^blocks\.[1-9]/.test(name)).map(cells);
  if (config.depth > 1) {
    const at = rows.findLastIndex(({ name }) => name.startsWith('blocks.0.')) + 1;
    const rest = rows.filter(({ name }) => /^blocks\.[1-9]/.test(name));
    const name = config.depth === 2 ? 'blocks.1' : `blocks.1 … blocks.${config.depth - 1}`;
    const first = rows[at - 1]!;
    lines.splice(at, 0, [name, 'as blocks.0', shapeText(first.output), ...sums(rest)]);
  }
  const header = ['layer', 'kind', 'output', 'parameters', 'FLOPs'];
  const total = ['total', '', '', ...sums(rows)];
  const widths = header.map((_, i) =>
    Math.max(...[header, ...lines, total].map((l) => l[i]!.length)),
  );
  const text = (line: readonly string[]) =>
    line
      .map((c, i) => (i > 2 ? c.padStart(widths[i]!) : c.padEnd(widths[i]!)))
      .join('  ')
      .trimEnd();
  const ruler = widths.map((width) => '─'.repeat(width)).join('  ');
  const notes = configWarnings(config).map((warning) => `note: ${warning}`);
  return [text(header), ruler, ...lines.map(text), ruler, text(total), ...notes].join('\n');
}

/** Multiply-adds of one forward pass for one image, in 10⁹: the GMACs that tables of models print. */
export function gigaMacs(config: VisionTransformerConfig): number {
  return layerTable(config).reduce((sum, { macs }) => sum + macs, 0) / 1e9;
}

function cells(row: LayerRow): string[] {
  return [row.name, row.kind, shapeText(row.output), ...sums([row])];
}

function shapeText(output: readonly number[]): string {
  return `[B, ${output.join(', ')}]`;
}

function sums(rows: readonly LayerRow[]): string[] {
  let parameters = 0;
  let flops = 0;
  for (const row of rows) {
    for (const shape of row.parameters.values()) parameters += sizeOf(shape);
    flops += 2 * row.macs;
  }
  return [parameters.toLocaleString('en-US'), flopsText(flops)];
}

function flopsText(flops: number): string {
  if (flops >= 1e9) return `${(flops / 1e9).toFixed(2)} G`;
  if (flops >= 1e6) return `${(flops / 1e6).toFixed(2)} M`;
  return flops === 0 ? '0' : `${(flops / 1e3).toFixed(1)} k`;
}
