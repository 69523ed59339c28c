// TensorBoard's event file: records with masked CRC-32C, each an Event message of a few fields. Written by hand because the one
// npm writer (tfjs-node) needs a native TensorFlow, and a protobuf library would be larger than the 60 lines it replaces.
// Source: tensorflow/core/lib/io/record_writer.cc, tensorflow/core/util/event.proto, summary.proto.

import { assertFields, assertKind } from '../core/kinds.ts';
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { errorCodeOf, ioError } from './ioError.ts';
import type { RunSink } from '../core/runSink.ts';

/**
 * The options of `tensorboardSink`.
 *
 * @property flushMs    the longest time that a value waits in memory; default 2000
 * @property onFailure  is told once, in one sentence, when the file cannot be written any more; training goes on without it
 */
export interface TensorboardOptions {
  flushMs?: number;
  onFailure?: (message: string) => void;
}

/**
 * A sink that writes scalars for TensorBoard: `tensorboard --logdir DIR`.
 *
 * Values of a training update have the tag NAME and the update's number, those of an epoch `epoch/NAME` and the epoch's number,
 * and those of the test `test/NAME` and the last epoch's number. Values are stored as float32, NaN and infinities too. The file
 * is opened by the first value.
 *
 * A run that goes on tells TensorBoard where: a SessionLog START at the next step makes it drop every later step that the run
 * before had reported and not saved, so each step is shown once. A run that replaces another removes the event files of that one.
 *
 * @param folder  is made if it is not there. Each sink writes a file of its own, so a resumed run adds one
 */
export function tensorboardSink(folder: string, options: TensorboardOptions = {}): RunSink {
  assertKind('the folder of events', folder, 'text');
  assertFields('tensorboardSink', options, { flushMs: 'number?', onFailure: 'function?' });
  const { flushMs = 2000, onFailure } = options;
  let file: EventFile | undefined;
  let failed = false;
  let restart: number | undefined;
  const open = (): EventFile => {
    const opened = new EventFile(folder, flushMs);
    if (restart !== undefined) opened.restart(restart);
    return opened;
  };
  const attempt = (work: (file: EventFile) => void): void => {
    if (failed) return;
    try {
      file ??= open();
      work(file);
    } catch (error) {
      failed = true;
      onFailure?.(ioError('write', folder, error).message);
    }
  };
  return {
    begin: ({ step, resumed, replaced }) => {
      if (resumed) restart = step + 1;
      if (!replaced) return;
      try {
        for (const name of eventFiles(folder)) unlinkSync(join(folder, name));
      } catch (error) {
        onFailure?.(ioError('remove event files in', folder, error).message);
      }
    },
    scalars: (step, values) => attempt((events) => events.add(step, Object.entries(values))),
    epoch: (log) => {
      const numbers = Object.entries(log).filter(
        (entry): entry is [string, number] => entry[0] !== 'epoch' && typeof entry[1] === 'number',
      );
      attempt((events) => {
        events.add(
          log.epoch,
          numbers.map(([name, value]) => [`epoch/${name}`, value]),
        );
        events.flush();
      });
    },
    test: ({ epoch: _epoch, images: _images, ...metrics }, epochs) => {
      const values = Object.entries(metrics).filter(
        (entry): entry is [string, number] => entry[1] !== null && !/^val[A-Z]/.test(entry[0]),
      );
      attempt((events) => {
        events.add(
          epochs,
          values.map(([name, value]) => [`test/${name}`, value]),
        );
        events.flush();
      });
    },
    close: () => {
      if (file !== undefined) attempt((events) => events.close());
      file = undefined;
    },
  };
}

const namePattern = /^events\.out\.tfevents\.(\d+)\./;

// The event files of a folder; none where there is no folder.
function eventFiles(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => namePattern.test(name));
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

let opened = 0;

class EventFile {
  private readonly handle: number;
  private readonly flushMs: number;
  private waiting: Uint8Array[] = [];
  private flushed = Date.now();

  constructor(folder: string, flushMs: number) {
    this.flushMs = flushMs;
    mkdirSync(folder, { recursive: true });
    // TensorBoard reads files in the order of their names, also where a clock went back or two runs began in one second.
    const times = eventFiles(folder).map((name) => Number(namePattern.exec(name)![1]) + 1);
    const seconds = Math.max(Math.floor(Date.now() / 1000), ...times);
    opened += 1;
    const unique = `${seconds}.${hostname()}.${process.pid}.${opened}`;
    this.handle = openSync(join(folder, `events.out.tfevents.${unique}`), 'ax');
    const version = lengthField(3, new TextEncoder().encode('brain.Event:2'));
    this.waiting.push(record(event(Date.now(), 0, version)));
    this.flush();
  }

  add(step: number, values: readonly (readonly [string, number])[]): void {
    if (values.length === 0) return;
    this.waiting.push(record(event(Date.now(), step, summary(values))));
    if (Date.now() - this.flushed >= this.flushMs) this.flush();
  }

  /** Says that the run goes on at `step`: what other files say of it and of later steps is void. */
  restart(step: number): void {
    // SessionLog START = 1, field session_log = 7 of an Event.
    this.waiting.push(record(event(Date.now(), step, lengthField(7, Uint8Array.of(1 << 3, 1)))));
  }

  flush(): void {
    const bytes = concat(this.waiting);
    this.waiting = [];
    this.flushed = Date.now();
    for (let at = 0; at < bytes.length;) at += writeSync(this.handle, bytes, at);
  }

  close(): void {
    try {
      this.flush();
      fsyncSync(this.handle);
    } finally {
      closeSync(this.handle);
    }
  }
}

/** An Event message: wall_time = 1 (double, seconds), step = 2 (int64), then one encoded field. */
function event(wallMs: number, step: number, field: Uint8Array): Uint8Array {
  const time = new DataView(new ArrayBuffer(9));
  time.setUint8(0, (1 << 3) | 1);
  time.setFloat64(1, wallMs / 1000, true);
  return concat([new Uint8Array(time.buffer), Uint8Array.of(2 << 3), varint(step), field]);
}

/** Field summary = 5 of an Event: value = 1, each with tag = 1 and simple_value = 2 (float). */
function summary(values: readonly (readonly [string, number])[]): Uint8Array {
  const encoded = values.map(([tag, value]) => {
    const number = new DataView(new ArrayBuffer(5));
    number.setUint8(0, (2 << 3) | 5);
    number.setFloat32(1, value, true);
    const name = lengthField(1, new TextEncoder().encode(tag));
    return lengthField(1, concat([name, new Uint8Array(number.buffer)]));
  });
  return lengthField(5, concat(encoded));
}

/** A length-delimited protobuf field. */
function lengthField(number: number, bytes: Uint8Array): Uint8Array {
  return concat([Uint8Array.of((number << 3) | 2), varint(bytes.length), bytes]);
}

/** A whole number ≥ 0 in groups of seven bits, the lowest first. */
function varint(value: number): Uint8Array {
  const groups: number[] = [];
  for (; value >= 128; value = Math.floor(value / 128)) groups.push((value % 128) | 128);
  return Uint8Array.from([...groups, value]);
}

/** Length (8 bytes), its checksum, the data, their checksum. */
function record(data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(16 + data.length);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskedCrc32c(bytes.subarray(0, 8)), true);
  bytes.set(data, 12);
  view.setUint32(12 + data.length, maskedCrc32c(data), true);
  return bytes;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

// CRC-32C (Castagnoli, reflected polynomial 0x82f63b78), a byte at a time.
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte;
  for (let bit = 0; bit < 8; bit += 1) {
    remainder = remainder & 1 ? (remainder >>> 1) ^ 0x82f63b78 : remainder >>> 1;
  }
  return remainder;
});

/** CRC-32C of the bytes. Source: RFC 3720, appendix B.4. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crc >>> 8) ^ table[(crc ^ byte) & 0xff]!;
  return (crc ^ 0xffffffff) >>> 0;
}

/** The checksum as record files store it: rotated right by 15 bits, plus a constant. */
function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
