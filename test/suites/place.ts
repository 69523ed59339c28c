// A folder of its own for each row, and what is needed to see whether a row changed anything in it.

import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A fresh folder, in which a row puts its files and runs its commands. */
export class Place {
  readonly folder: string;
  private readonly cleaners: (() => void)[] = [];

  constructor() {
    this.folder = fs.mkdtempSync(join(tmpdir(), 'vit-suite-'));
  }

  /** The path of a file in the folder. */
  path(...names: string[]): string {
    return join(this.folder, ...names);
  }

  /** Writes a file. @returns its path */
  put(name: string, content: Uint8Array | string): string {
    const file = this.path(name);
    fs.mkdirSync(dirname(file), { recursive: true });
    fs.writeFileSync(file, content);
    return file;
  }

  /** Copies a file or a folder into this one. @returns its new path */
  copy(from: string, name: string): string {
    fs.cpSync(from, this.path(name), { recursive: true });
    return this.path(name);
  }

  /** What is done before the folder is removed: unmount, give rights back. */
  onRemove(clean: () => void): void {
    this.cleaners.push(clean);
  }

  /** Removes the folder. */
  remove(): void {
    for (const clean of this.cleaners.reverse()) clean();
    fs.rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

// A larger file is told by its size and time.
const hashedBytes = 64 * 2 ** 20;

/** A line for each file below a folder, that differs whenever its content does; the folder itself may be absent. */
export function treeOf(folder: string): Map<string, string> {
  const lines = new Map<string, string>();
  const walk = (path: string, name: string): void => {
    const stat = fs.lstatSync(path);
    if (stat.isSymbolicLink()) lines.set(name, `link ${fs.readlinkSync(path)}`);
    else if (stat.isDirectory()) {
      lines.set(name, 'folder');
      for (const inner of fs.readdirSync(path)) walk(join(path, inner), join(name, inner));
    } else if (!stat.isFile()) lines.set(name, 'special');
    else if (stat.size > hashedBytes) lines.set(name, `${stat.size} ${stat.mtimeMs}`);
    else lines.set(name, createHash('sha256').update(fs.readFileSync(path)).digest('hex'));
  };
  if (fs.existsSync(folder)) walk(folder, '.');
  return lines;
}

/** The files that were added, removed or changed between two trees. */
export function changesOf(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): string[] {
  const names = new Set([...before.keys(), ...after.keys()]);
  return [...names]
    .filter((name) => before.get(name) !== after.get(name))
    .map((name) => {
      if (!before.has(name)) return `${name} added`;
      return after.has(name) ? `${name} changed` : `${name} removed`;
    });
}
