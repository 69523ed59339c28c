// Event files as TensorBoard reads them: in the order of their names, and a SessionLog START voids its step and all later ones.
// Source: tensorboard/backend/event_processing/plugin_event_accumulator.py, `_CheckForRestartAndMaybePurge`.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** An Event: a restart, or scalars by tag. */
export interface ReadEvent {
  step: number;
  restart: boolean;
  values: Map<string, number>;
}

/** The events of all files of a folder. */
export function eventsIn(folder: string): ReadEvent[] {
  return readdirSync(folder)
    .sort()
    .flatMap((name) => recordsOf(readFileSync(join(folder, name))).map(eventOf));
}

/** The points that TensorBoard shows of a tag. */
export function shownSteps(
  events: readonly ReadEvent[],
  tag: string,
): { step: number; value: number }[] {
  let shown: { step: number; value: number }[] = [];
  for (const { step, restart, values } of events) {
    if (restart) shown = shown.filter((one) => one.step < step);
    const value = values.get(tag);
    if (value !== undefined) shown.push({ step, value });
  }
  return shown;
}

// A record: length (8 bytes), its checksum (4), the data, their checksum (4).
function recordsOf(bytes: Buffer): Buffer[] {
  const records: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    records.push(bytes.subarray(at + 12, at + 12 + length));
    at += 16 + length;
  }
  return records;
}

function eventOf(bytes: Buffer): ReadEvent {
  const fields = fieldsOf(bytes);
  const session = fields.find(({ number }) => number === 7)?.bytes;
  const status = session && fieldsOf(session).find(({ number }) => number === 1)?.value;
  const summary = fields.find(({ number }) => number === 5)?.bytes;
  const values = (summary === undefined ? [] : fieldsOf(summary)).map(({ bytes: one }) => {
    const parts = fieldsOf(one!);
    const tag = parts.find(({ number }) => number === 1)!.bytes!.toString();
    return [tag, parts.find(({ number }) => number === 2)!.value!] as const;
  });
  const step = fields.find(({ number }) => number === 2)?.value ?? 0;
  return { step, restart: status === 1, values: new Map(values) };
}

interface Field {
  number: number;
  value?: number;
  bytes?: Buffer;
}

// The fields of a protobuf message: varint, 8 bytes, length-delimited, 4 bytes.
function fieldsOf(bytes: Buffer): Field[] {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  const fields: Field[] = [];
  while (at < bytes.length) {
    const key = varint();
    const [number, kind] = [key >> 3, key & 7];
    if (kind === 0) fields.push({ number, value: varint() });
    else if (kind === 1) fields.push({ number, value: bytes.readDoubleLE((at += 8) - 8) });
    else if (kind === 5) fields.push({ number, value: bytes.readFloatLE((at += 4) - 4) });
    else {
      const length = varint();
      fields.push({ number, bytes: bytes.subarray(at, at + length) });
      at += length;
    }
  }
  return fields;
}
