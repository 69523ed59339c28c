// Seeded mutants of checkpoints: bytes changed, cut, repeated and exchanged, of whole files and of the parts inside an archive.

import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { messageOf, VitError } from '../../lib/core/errors.ts';
import { hostTensor } from '../../lib/checkpoints/hostTensor.ts';
import { readTensors } from '../../lib/checkpoints/readTensors.ts';
import { formatSafetensors } from '../../lib/checkpoints/safetensors.ts';
import { writeZip } from '../../lib/checkpoints/zip/writeZip.ts';
import { ZipArchive, isZip } from '../../lib/checkpoints/zip/zipArchive.ts';
import { gadgets } from './gadgets.ts';
import { bytesOf } from './pickleBytes.ts';
import type { Rng } from '../../lib/core/rng.ts';

const goldens = path.resolve(import.meta.dirname, '../goldens');

/** The files that mutants are made of: every format, small. */
export function seedFiles(): Uint8Array[] {
  const odd = path.join(goldens, 'odd-checkpoints');
  const names = readdirSync(odd).map((name) => path.join(odd, name));
  names.push(
    path.join(goldens, 'checkpoints/pth-views-zip/model.pth'),
    path.join(goldens, 'checkpoints/pth-views-legacy/model.pth'),
    path.join(goldens, 'foreign-names/google-augreg/model.npz'),
  );
  const one = new Map([['w', hostTensor([2, 3], new Float32Array(6))]]);
  return [
    ...names.map((name) => new Uint8Array(readFileSync(name))),
    formatSafetensors(one, { format: 'pt' }),
    bytesOf('{"metadata": {"total_size": 24}, "weight_map": {"w": "a.safetensors"}}'),
  ];
}

/** One mutant of the seeds. */
export async function mutant(seeds: readonly Uint8Array[], rng: Rng): Promise<Uint8Array> {
  const seed = seeds[rng.integer(seeds.length)]!;
  if (!isZip(seed) || rng.integer(3) === 0) return mutated(seed, seeds, rng);
  // An entry is changed and the archive written anew, so that its checksums are right.
  const archive = new ZipArchive(seed, 'seed');
  const entries = new Map<string, Uint8Array>();
  const names = archive.names();
  const chosen = names.find((name) => name.endsWith('data.pkl') && rng.integer(4) > 0);
  const victim = chosen ?? names[rng.integer(names.length)]!;
  for (const name of names) {
    const content = await archive.read(name);
    entries.set(name, name === victim ? mutated(content, seeds, rng) : content);
  }
  return writeZip(entries);
}

const pieces = [...gadgets.values()].map(bytesOf);
const numbers = [0, 1, 0x7f, 0x80, 0xff, 0x7fffffff, 0x80000000, 0xffffffff];

function mutated(given: Uint8Array, seeds: readonly Uint8Array[], rng: Rng): Uint8Array {
  let bytes = Buffer.from(given);
  const times = 1 + rng.integer(3);
  for (let i = 0; i < times; i += 1) {
    const at = rng.integer(bytes.length + 1);
    const length = rng.integer(Math.min(64, bytes.length + 1));
    const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)];
    switch (rng.integer(8)) {
      case 0:
        if (at < bytes.length) bytes[at] = rng.integer(256);
        break;
      case 1:
        if (at < bytes.length) bytes[at]! ^= 1 << rng.integer(8);
        break;
      case 2:
        if (at + 4 <= bytes.length) bytes.writeUInt32LE(numbers[rng.integer(8)]!, at);
        break;
      case 3:
        bytes = Buffer.from(head);
        break;
      case 4:
        bytes = Buffer.concat([head, tail.subarray(length)]);
        break;
      case 5:
        bytes = Buffer.concat([head, tail.subarray(0, length), tail]);
        break;
      case 6:
        bytes = Buffer.concat([head, pieces[rng.integer(pieces.length)]!, tail]);
        break;
      default: {
        const other = seeds[rng.integer(seeds.length)]!;
        const from = rng.integer(other.length);
        bytes = Buffer.concat([head, other.subarray(from, from + length), tail]);
      }
    }
  }
  return new Uint8Array(bytes);
}

/** The readings of some mutants. */
export interface FuzzResult {
  read: number;
  refused: number;
  /** The longest reading, in ms, and the mutant that it was. */
  slowest: { ms: number; mutant: number };
  /** The largest growth of the most memory that the process ever had by one mutant, in bytes. */
  growth: { bytes: number; mutant: number };
  /** Any error that is not of ours, and any tensor without elements for its shape. */
  wrong: string[];
}

/**
 * Reads `count` mutants from number `from`. Each is a function of the seed and its number, so one of them can be made again.
 *
 * @param memory  true: also measures the memory after each
 */
export async function fuzzReaders(
  count: number,
  rng: Rng,
  { from = 0, memory = false }: { from?: number; memory?: boolean } = {},
): Promise<FuzzResult> {
  const seeds = seedFiles();
  const index = seeds.at(-2)!;
  const result: FuzzResult = {
    read: 0,
    refused: 0,
    slowest: { ms: 0, mutant: -1 },
    growth: { bytes: 0, mutant: -1 },
    wrong: [],
  };
  const peak = () => process.resourceUsage().maxRSS * 1024;
  let resident = memory ? peak() : 0;
  for (let i = from; i < from + count; i += 1) {
    const bytes = await mutant(seeds, rng.split(i));
    const began = performance.now();
    try {
      const { tensors } = await readTensors(bytes, 'mutant', () => Promise.resolve(index));
      for (const [name, { shape, data }] of tensors) {
        const size = shape.reduce((product, side) => product * side, 1);
        if (size > data.length * 8) result.wrong.push(`${i}: ${name} has no data for its shape`);
      }
      result.read += 1;
    } catch (error) {
      if (error instanceof VitError) result.refused += 1;
      else result.wrong.push(`${i}: ${messageOf(error)} ${(error as Error).stack ?? ''}`);
    }
    const ms = performance.now() - began;
    if (ms > result.slowest.ms) result.slowest = { ms, mutant: i };
    if (!memory) continue;
    const now = peak();
    if (now - resident > result.growth.bytes) result.growth = { bytes: now - resident, mutant: i };
    resident = now;
  }
  return result;
}
