import { readFileSync } from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
// A script for Node alone, without types.
const script = '../scripts/formatNative.mjs';
let columnLimit: () => number;
let longLines: (text: string, limit: number) => string[];
beforeAll(async () => {
  ({ columnLimit, longLines } = (await import(script)) as {
    columnLimit: () => number;
    longLines: (text: string, limit: number) => string[];
  });
});

describe('the line limit of native/', () => {
  test('is that of .clang-format', () => {
    const style = readFileSync(path.join(root, '.clang-format'), 'utf8');
    expect(style).toContain(`\nColumnLimit: ${columnLimit()}\n`);
    expect(columnLimit()).toBeGreaterThanOrEqual(100);
    expect(columnLimit()).toBeLessThanOrEqual(120);
  });

  test('names the lines that are longer, in columns', () => {
    expect(longLines('12345\n123456\n\n1234567', 5)).toEqual(['2:6', '4:7']);
    expect(longLines('é·Σ…—', 5)).toEqual([]);
    // A combining mark takes no column.
    expect(longLines('1234x\u0302', 5)).toEqual([]);
  });
});
