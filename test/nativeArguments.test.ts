// The functions of the native addon return a value or an error for any arguments and never crash. The addon lists its functions.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { nativeBinding, nativeUnavailableReason } from '../lib/backends/native/index.ts';
import { addonCalls } from './support/addonCalls.ts';
import type { Report } from './support/addonChild.ts';

const root = path.resolve(import.meta.dirname, '..');
const addon = path.join(root, 'build', 'tfjs_vit_native.node');
const reason = nativeUnavailableReason();

if (reason !== undefined) test.skip(`entry points: ${reason}`, () => undefined);
else describe('entry points of the addon', entryTests);

function entryTests(): void {
  const folder = mkdtempSync(path.join(tmpdir(), 'addon-'));
  const file = path.join(folder, 'reports.jsonl');
  const { status, signal, stderr } = spawnSync(
    process.execPath,
    ['--import', 'tsx', path.join(root, 'test', 'support', 'addonChild.ts'), addon, file],
    { cwd: root, encoding: 'utf8', timeout: 180_000 }, // a busy machine is no failure
  );
  const reports = readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Report);
  rmSync(folder, { recursive: true });
  const ended = reports.filter(({ got }) => got !== undefined);

  test('end with an answer, never with the process', () => {
    expect({ status, signal, stderr, last: reports.at(-1) }).toMatchObject({
      status: 0,
      signal: null,
      last: { got: expect.any(String) as string },
    });
  });

  test.each(Object.keys(nativeBinding()))('%s', (name) => {
    expect(addonCalls).toHaveProperty(name);
    const mine = ended.filter((report) => report.name === name);
    expect(mine.length).toBeGreaterThan(4);
    expect(mine.filter(({ wanted, got }) => wanted !== got)).toEqual([]);
  });
}
