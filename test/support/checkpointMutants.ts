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

/**
 * Reads `count` mutants.
 *
 * @returns how many were read and how many refused, the slowest in ms, and what was wrong: any error that is not of ours
 */
export async function fuzzReaders(
  count: number,
  rng: Rng,
): Promise<{ read: number; refused: number; slowest: number; wrong: string[] }> {
  const seeds = seedFiles();
  const result = { read: 0, refused: 0, slowest: 0, wrong: [] as string[] };
  for (let i = 0; i < count; i += 1) {
    const bytes = await mutant(seeds, rng);
    const began = performance.now();
    try {
      const { tensors } = await readTensors(bytes, 'mutant', () => Promise.resolve(seeds.at(-2)!));
      for (const [name, { shape, data }] of tensors) {
        const size = shape.reduce((product, side) => product * side, 1);
        if (size > data.length * 8) result.wrong.push(`${i}: ${name} has no data for its shape`);
      }
      result.read += 1;
    } catch (error) {
      if (error instanceof VitError) result.refused += 1;
      else result.wrong.push(`${i}: ${messageOf(error)} ${(error as Error).stack ?? ''}`);
    }
    result.slowest = Math.max(result.slowest, performance.now() - began);
  }
  return result;
}
