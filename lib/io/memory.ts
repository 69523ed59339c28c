// The memory that is left for this process: of the machine, of its container, and of its own limit.

import { constants } from 'node:buffer';
import { readFileSync } from 'node:fs';
import { freemem } from 'node:os';

/** The longest array of bytes that this version of Node can make. */
export const maxArrayBytes = constants.MAX_LENGTH;

/** The bytes that this process can still take before the machine, its container or `ulimit -v` refuses. */
export function availableBytes(): number {
  return Math.max(0, Math.min(machineBytes(), addressBytes()));
}

/** Bytes for a person: `512 MB`, `41 GB`. */
export function formatBytes(bytes: number): string {
  const units = ['bytes', 'KB', 'MB', 'GB', 'TB', 'PB'];
  let [value, unit] = [bytes, 0];
  for (; value >= 1000 && unit < units.length - 1; unit += 1) value /= 1000;
  return `${value < 10 && unit > 0 ? value.toFixed(1) : value.toFixed(0)} ${units[unit]!}`;
}

// Node 20.13 and later knows the limits of containers.
function machineBytes(): number {
  const { availableMemory } = process as { availableMemory?: () => number };
  return availableMemory?.() ?? freemem();
}

// The address space that ulimit -v leaves.
function addressBytes(): number {
  const limit = /^Max address space\s+(\d+)/m.exec(textOf('/proc/self/limits'))?.[1];
  if (limit === undefined) return Infinity;
  const pages = Number(textOf('/proc/self/statm').split(' ')[0]);
  return Number(limit) - pages * 4096;
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
