// Text from files on its way to a person: names of classes, tensors and options may hold anything.

import { PassThrough } from 'node:stream';
import { hostTensor } from '../lib/checkpoints/hostTensor.ts';
import { loadModelTensors } from '../lib/checkpoints/modelState.ts';
import { standardTerminal } from '../lib/cli/standardTerminal.ts';
import { CheckpointError, InputError, expected, listed } from '../lib/core/errors.ts';
import { classLabel, printable, printableLines } from '../lib/core/format.ts';
import { decodeUtf8 } from '../lib/core/utf8.ts';
import { escapeXml } from '../lib/figures/svg.ts';
import { svgToPng } from '../lib/figures/svgToPng.ts';
import { fitText } from '../lib/figures/textWidth.ts';
import { vit } from './support/cli.ts';
import { build } from './support/tinyModel.ts';

const hostile = 'red \u001b[31m\u009b2J\r\n\u202egnp.exe\u0007';
// eslint-disable-next-line no-control-regex
const dangerous = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/;

test('nothing that turns, moves or colours what follows it is left', () => {
  for (const clean of [printable(hostile), printableLines(hostile), escapeXml(`${hostile}\u2066`)])
    expect(clean.replaceAll('\r\n', '')).not.toMatch(dangerous);
  expect(printable(hostile)).not.toContain('\n');
  expect(printableLines('a\tb\nc\u001b')).toBe('a\tb\nc?');
  expect(printable('Käse 犬 שלום 🐕')).toBe('Käse 犬 שלום 🐕');
});

test('a message is one printable line of bounded length, whatever name stands in it', () => {
  const { message } = new InputError(expected('a known name', hostile.repeat(1000), hostile));
  expect(message).not.toMatch(dangerous);
  expect(message).not.toContain('\n');
  expect(message.length).toBeLessThanOrEqual(2000);
  expect(new CheckpointError('One line.\n  And another.').message).toBe('One line. And another.');
});

test('the first three of many tensors are named, and the others counted', () => {
  expect(listed(['a', 'b', 'c', 'd', 'e'])).toBe('a; b; c; and 2 more');
  const model = build();
  const more = Array.from(
    { length: 500 },
    (_, i) => [`x${i}`, hostTensor([1], Float32Array.of(1))] as const,
  );
  const load = () => loadModelTensors(model, new Map([[hostile, more[0]![1]], ...more]));
  expect(load).toThrow(/^[^;]*;[^;]*;[^;]*; and \d{3} more\.$/);
  try {
    load();
  } catch (error) {
    expect((error as Error).message).not.toMatch(dangerous);
  }
  model.dispose();
});

test('a class name is cleaned and shortened before it is shown', () => {
  expect(classLabel(0, [hostile])).not.toMatch(dangerous);
  expect(classLabel(0, ['x'.repeat(20_000)])).toHaveLength(200);
  expect(classLabel(3, [])).toBe('class 3');
  const begin = performance.now();
  fitText('x'.repeat(200_000), 12, 300);
  expect(performance.now() - begin).toBeLessThan(2000);
});

test('the standard streams clean whatever a command hands over', () => {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  const terminal = standardTerminal(() => undefined, streams);
  terminal.out(hostile);
  terminal.error(hostile);
  for (const stream of Object.values(streams)) expect(String(stream.read())).not.toMatch(dangerous);
});

test('a command refuses a hostile word without repeating what it does', async () => {
  const { code, error } = await vit(hostile);
  expect([code, error]).toEqual([2, expect.not.stringMatching(dangerous)]);
});

test('bytes that are not UTF-8 are refused with their place', () => {
  const text = 'ä'.repeat(1000);
  const bytes = new TextEncoder().encode(text);
  expect(decodeUtf8(bytes, 'x')).toBe(text);
  bytes[1234] = 0xff;
  expect(() => decodeUtf8(bytes, 'x')).toThrow(
    /UTF-8 for "x", received another byte at position 1234/,
  );
  expect(() => decodeUtf8(Uint8Array.of(0x61, 0xc3), 'x')).toThrow(CheckpointError);
});

test.each([
  ['1000000000', '10'],
  ['1e30', '5'],
  ['20000', '20000'],
])('an SVG of %s × %s pixels is refused before it is drawn', async (width, height) => {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"/>`;
  await expect(svgToPng(svg)).rejects.toThrow(/at most 67108864 pixels/);
  await expect(svgToPng('<svg')).rejects.toThrow(/an SVG document/);
});
