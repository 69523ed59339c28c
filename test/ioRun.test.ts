import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { parseConfigJson } from '../lib/checkpoints/configFile.ts';
import { hostTensor } from '../lib/checkpoints/hostTensor.ts';
import { formatSafetensors } from '../lib/checkpoints/safetensors.ts';
import { readCheckpoint } from '../lib/io/checkpointFile.ts';
import { openFolder } from '../lib/io/folder.ts';
import { sha256 } from '../lib/io/hash.ts';
import { duration, progressSink } from '../lib/io/progressSink.ts';
import { crc32c, tensorboardSink } from '../lib/io/tensorboard.ts';
import { refusalOf, temporaryFolder } from './support/failingDisk.ts';
import type { EpochLog, StepProgress } from '../lib/core/runSink.ts';

const place = temporaryFolder();

describe('readCheckpoint', () => {
  const weights = (value: number, metadata?: Record<string, string>): Uint8Array =>
    formatSafetensors(new Map([['w', hostTensor([1], Float32Array.of(value))]]), metadata);
  const first = async (path: string): Promise<number> =>
    Number((await readCheckpoint(path)).tensors.get('w')!.data[0]);

  test('a file, with the configuration in it or beside it', async () => {
    const path = join(place(), 'model.safetensors');
    fs.writeFileSync(path, weights(1));
    expect((await readCheckpoint(path)).config).toBeUndefined();
    fs.writeFileSync(join(place(), 'config.json'), '{"embedDim": 8}');
    const found = await readCheckpoint(path);
    expect(found.config).toEqual({ embedDim: 8 });
    expect(found.sha256).toBe(createHash('sha256').update(found.bytes).digest('hex'));
    expect(found.path).toBe(path);
    fs.writeFileSync(join(place(), 'config.json'), '{"lr": 1, "model": {"embedDim": 16}}');
    expect((await readCheckpoint(path)).config).toEqual({ embedDim: 16 });
    fs.writeFileSync(path, weights(1, { config: '{"embedDim": 32}' }));
    expect((await readCheckpoint(path)).config).toEqual({ embedDim: 32 });
  });

  test('a folder: the best, else the last, else the model', async () => {
    expect(await refusalOf(readCheckpoint(place()))).toMatch(/holds none of best_checkpoint/);
    fs.writeFileSync(join(place(), 'model.safetensors'), weights(3));
    expect(await first(place())).toBe(3);
    fs.writeFileSync(join(place(), 'checkpoint.safetensors'), weights(2));
    expect(await first(place())).toBe(2);
    fs.writeFileSync(join(place(), 'best_checkpoint.safetensors'), weights(1));
    expect(await first(place())).toBe(1);
  });

  test('a file that the manifest lists is checked', async () => {
    const store = await openFolder(place());
    await store.commit(new Map([['model.safetensors', weights(1)]]), {});
    expect(await first(place())).toBe(1);
    fs.writeFileSync(join(place(), 'model.safetensors'), weights(2));
    expect(await refusalOf(readCheckpoint(place()))).toMatch(/SHA-256.*model\.safetensors/);
    expect(await refusalOf(readCheckpoint(join(place(), 'model.safetensors')))).toMatch(/SHA-256/);
  });

  test('config.json is checked as the weights are, and read whole only where it is short', async () => {
    const store = await openFolder(place());
    const config = '{"embedDim": 8}';
    const files = { 'model.safetensors': weights(1), 'config.json': config };
    await store.commit(new Map(Object.entries(files)), {});
    const path = join(place(), 'config.json');
    for (let bit = 0; bit < config.length * 8; bit += 1) {
      const bytes = Buffer.from(config);
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      fs.writeFileSync(path, bytes);
      expect(await refusalOf(readCheckpoint(place()))).toMatch(/SHA-256.*config\.json/);
    }
    // Without a manifest the text itself is all that can be checked.
    fs.unlinkSync(join(place(), 'manifest.json'));
    fs.writeFileSync(path, Buffer.from('{"name": "\xff"}', 'latin1'));
    expect(await refusalOf(readCheckpoint(place()))).toMatch(
      /UTF-8 for .*config\.json.*position 10/,
    );
    fs.truncateSync(path, 2 ** 40);
    expect(await refusalOf(readCheckpoint(place()))).toMatch(/at most 1048576/);
  });

  test('a file beside a damaged manifest is not read unchecked', async () => {
    const store = await openFolder(place());
    await store.commit(new Map([['model.safetensors', weights(1)]]), {});
    const path = join(place(), 'manifest.json');
    fs.writeFileSync(path, fs.readFileSync(path, 'utf8').replace('"files"', '"filez"'));
    expect(await refusalOf(readCheckpoint(place()))).toMatch(/a list of files/);
  });

  test('a file that is no checkpoint is refused with a remedy', async () => {
    const write = (name: string, content: string | Uint8Array): string => {
      fs.writeFileSync(join(place(), name), content);
      return join(place(), name);
    };
    expect(await refusalOf(readCheckpoint(''))).toMatch(/Expected a path/);
    expect(await refusalOf(readCheckpoint(join(place(), 'none')))).toMatch(/no such file/);
    // By content: a name tells nothing.
    const zip = (entry: string) => `PK\u0003\u0004${'\0'.repeat(26)}${entry}`;
    expect(
      await refusalOf(readCheckpoint(write('x.safetensors', zip('archive/data.pkl')))),
    ).toMatch(/zip archive .*x\.safetensors.*cut short/);
    const onnx = Uint8Array.of(8, 8, 0x12, 7, ...new TextEncoder().encode('pytorch'));
    expect(await refusalOf(readCheckpoint(write('x.bin', onnx)))).toMatch(
      /ONNX.*\.safetensors file/,
    );
    expect(await refusalOf(readCheckpoint(write('x.pth', 'what is this')))).toMatch(
      /Expected a checkpoint .*12 bytes that begin with 77 68/,
    );
    expect(await refusalOf(readCheckpoint(write('y.pth', weights(1))))).toBe('done');
    expect((await readCheckpoint(join(place(), 'y.pth'))).format).toBe('safetensors');
    expect(await refusalOf(readCheckpoint(write('a.safetensors', '')))).toMatch(/empty file/);
    const pointer = fs.readFileSync(
      join(__dirname, 'goldens/checkpoints/git-lfs-pointer.safetensors'),
    );
    expect(await refusalOf(readCheckpoint(write('b.safetensors', pointer)))).toMatch(
      /git lfs pull/,
    );
    expect(await refusalOf(readCheckpoint(write('c.safetensors', weights(1))))).toBe('done');
    const small = readCheckpoint(join(place(), 'c.safetensors'), { maxBytes: 10 });
    expect(await refusalOf(small)).toMatch(/at most 10/);
  });

  test.each([
    '',
    '[]',
    '{"a":1,"a":2}',
    '{"a":1e999}',
    '{"a":1,}',
    '// c',
    '{"__proto__":{"x":1}}',
    `{"a":"${'x'.repeat(2 ** 20)}"}`,
  ])('a configuration like %.20j is refused', async (config) => {
    expect(
      await refusalOf(async () => Promise.resolve(parseConfigJson(config, 'config.json'))),
    ).toMatch(/config\.json/);
  });
});

const progressOf = (step: number): StepProgress => ({
  epoch: 1,
  epochs: 2,
  step,
  stepsInEpoch: 10,
  loss: 2.25,
  metrics: { top1: 0.125 },
  learningRate: 1e-3,
  imagesPerSecond: 456.7,
  dataWait: 0.031,
  secondsLeft: 75,
});
const logOf = (epoch: number): EpochLog => ({
  epoch,
  trainLoss: 1.5,
  valLoss: 1.25,
  valTop1: 0.5,
  valTop5: null,
  learningRate: 1e-3,
  imagesPerSecond: 400,
  seconds: 3725,
});

describe('progressSink', () => {
  function collect(isTTY: boolean): {
    stream: PassThrough & { isTTY?: boolean };
    text: () => string;
  } {
    const stream: PassThrough & { isTTY?: boolean; columns?: number } = new PassThrough();
    if (isTTY) Object.assign(stream, { isTTY: true, columns: 200 });
    let text = '';
    stream.on('data', (data: Buffer) => (text += data.toString()));
    return { stream, text: () => text };
  }

  test('writes plain lines where there is no terminal, not one a step', () => {
    const { stream, text } = collect(false);
    const sink = progressSink({ stream, title: 'Training' });
    expect(text()).toBe('Training\n');
    for (let step = 1; step <= 10; step += 1) sink.step!(progressOf(step));
    sink.message!('a \u001b[31mred\u001b[0m name');
    sink.epoch!(logOf(1));
    void sink.close?.();
    const lines = text().split('\n');
    expect(lines[1]).toBe(
      'epoch 1/2  step 1/10  loss 2.2500  top-1 12.5 %  457 images/s  data wait 3.1 %  1 min 15 s left',
    );
    expect(lines[2]).toBe('a ?[31mred?[0m name');
    expect(lines[3]).toMatch(
      /^epoch 1 {2}train loss 1\.5000 {2}val loss 1\.2500 {2}val top-1 50\.00 %/,
    );
    expect(lines[3]).not.toMatch(/top-5/);
    expect(lines).toHaveLength(5);
  });

  test.each([
    [5, false],
    [6, true],
  ])('tells top-5 of %d classes: %s', (numClasses, told) => {
    const { stream, text } = collect(false);
    progressSink({ stream, numClasses }).epoch!({ ...logOf(1), valTop5: 1 });
    expect(text().includes('top-5')).toBe(told);
  });

  test('draws a bar in a terminal and ends it before a line', () => {
    const { stream, text } = collect(true);
    const sink = progressSink({ stream });
    for (let step = 1; step <= 10; step += 1) sink.step!(progressOf(step));
    sink.epoch!(logOf(1));
    sink.step!(progressOf(1));
    void sink.close?.();
    expect(text()).toMatch(/epoch 1\/2 \[=+ +\] 1\/10 {2}loss 2\.2500/);
    expect(text()).toMatch(/\nepoch 1 {2}train loss|epoch 1 {2}train loss/);
    // The cursor that the bar hid is shown again.
    expect(text().lastIndexOf('\u001b[?25h')).toBeGreaterThan(text().lastIndexOf('\u001b[?25l'));
  });

  test('a terminal without escape codes gets plain lines', () => {
    const before = process.env['TERM'];
    process.env['TERM'] = 'dumb';
    try {
      const { stream, text } = collect(true);
      const sink = progressSink({ stream });
      sink.step!(progressOf(1));
      void sink.close?.();
      expect(text()).toMatch(/^epoch 1\/2 {2}step 1\/10/);
      expect(text()).not.toContain('\u001b');
    } finally {
      if (before === undefined) delete process.env['TERM'];
      else process.env['TERM'] = before;
    }
  });

  test.each([
    [false, 'EPIPE'],
    [true, 'EPIPE'],
    [false, 'ENOSPC'],
    [true, 'EIO'],
  ])('falls silent when the stream fails (terminal: %s, %s)', async (isTTY, code) => {
    let writes = 0;
    const stream = Object.assign(
      new Writable({
        write: (_, __, done) => {
          writes += 1;
          done(Object.assign(new Error(code), { code }));
        },
      }),
      { isTTY, columns: 80 },
    );
    const sink = progressSink({ stream, title: 'Training', lineMs: 0 });
    for (let step = 1; step <= 10; step += 1) {
      sink.step!(progressOf(step));
      await new Promise((resolve) => setImmediate(resolve));
    }
    sink.epoch!(logOf(1));
    void sink.close?.();
    expect(writes).toBeLessThan(3);
  });

  test.each([
    [0, '0 s'],
    [59.6, '1 min 0 s'],
    [3600, '1 h 0 min'],
    [NaN, '?'],
    [Infinity, '?'],
    [-1, '?'],
  ])('%d seconds are %s', (seconds, text) => expect(duration(seconds)).toBe(text));
});

describe('tensorboardSink', () => {
  test('the checksum is CRC-32C', () => {
    // Source: RFC 3720, appendix B.4.
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
    expect(crc32c(new TextEncoder().encode('123456789'))).toBe(0xe3069283);
  });

  test('every record is whole and says what was given', () => {
    const sink = tensorboardSink(join(place(), 'events'));
    sink.scalars!(1, { loss: 2.5, rate: 0.1 });
    sink.scalars!(300, { loss: NaN });
    sink.epoch!(logOf(1));
    void sink.close!();
    const [name] = fs.readdirSync(join(place(), 'events'));
    expect(name).toMatch(/^events\.out\.tfevents\.\d{10}\./);
    const records = recordsOf(new Uint8Array(fs.readFileSync(join(place(), 'events', name!))));
    expect(records).toHaveLength(4);
    // After the wall time (9 bytes): step, then file_version = 3.
    expect(Buffer.from(records[0]!.subarray(9)).toString('latin1')).toBe(
      '\x10\0\x1a\x0dbrain.Event:2',
    );
    const half = [0, 0, 0x20, 0x40];
    const tenth = [0xcd, 0xcc, 0xcc, 0x3d];
    const [loss, rate] = [[...Buffer.from('loss')], [...Buffer.from('rate')]];
    expect([...records[1]!.subarray(9)]).toEqual([
      0x10,
      1,
      0x2a,
      26,
      0x0a,
      11,
      0x0a,
      4,
      ...loss,
      0x15,
      ...half,
      0x0a,
      11,
      0x0a,
      4,
      ...rate,
      0x15,
      ...tenth,
    ]);
    // 300 = 0b10_0101100 in groups of seven bits.
    expect([...records[2]!.subarray(9, 12)]).toEqual([0x10, 0xac, 0x02]);
    expect(Buffer.from(records[3]!).includes('epoch/valTop1')).toBe(true);
    expect(Buffer.from(records[3]!).includes('valTop5')).toBe(false);
    const time = new DataView(records[1]!.buffer, records[1]!.byteOffset).getFloat64(1, true);
    expect(Math.abs(time - Date.now() / 1000)).toBeLessThan(60);
  });

  test('nothing is made before the first value, and each sink has a file of its own', () => {
    const sinks = [1, 2, 3].map(() => tensorboardSink(place()));
    void sinks[0]!.close!();
    expect(fs.readdirSync(place())).toEqual([]);
    for (const sink of sinks) sink.scalars!(1, { loss: 1 });
    expect(fs.readdirSync(place())).toHaveLength(3);
    for (const sink of sinks) void sink.close!();
  });

  test('a folder that cannot be written is reported once, and training goes on', () => {
    fs.writeFileSync(join(place(), 'file'), '');
    const told: string[] = [];
    const sink = tensorboardSink(join(place(), 'file'), {
      onFailure: (message) => told.push(message),
    });
    sink.scalars!(1, { loss: 1 });
    sink.scalars!(2, { loss: 1 });
    void sink.close!();
    expect(told).toHaveLength(1);
    expect(told[0]).toContain('file');
  });

  function recordsOf(bytes: Uint8Array): Uint8Array[] {
    const records: Uint8Array[] = [];
    const view = new DataView(bytes.buffer);
    const masked = (data: Uint8Array): number => {
      const crc = BigInt(crc32c(data));
      return Number(((((crc >> 15n) | (crc << 17n)) & 0xffffffffn) + 0xa282ead8n) & 0xffffffffn);
    };
    for (let at = 0; at < bytes.length;) {
      const length = Number(view.getBigUint64(at, true));
      expect(view.getUint32(at + 8, true)).toBe(masked(bytes.subarray(at, at + 8)));
      const data = bytes.slice(at + 12, at + 12 + length);
      expect(view.getUint32(at + 12 + length, true)).toBe(masked(data));
      records.push(data);
      at += 16 + length;
    }
    return records;
  }
});

test('sha256', () => {
  expect(sha256('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  expect(sha256(new TextEncoder().encode('abc'))).toBe(sha256('abc'));
});
