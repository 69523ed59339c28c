// The guard of every option that names a file or folder to write: checked by the program before a command begins.

import { open, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { InputError, expected, show } from '../core/errors.ts';
import { runFileNames } from '../training/runFiles.ts';
import { assertWritable } from './outputFile.ts';
import { assertPictureName } from './pictureFile.ts';
import type { Arguments, Command, OutputKind } from './command.ts';

// The kinds of files that commands write, and how each begins. A run folder is checked by the training itself.
const kinds: Readonly<Record<Exclude<OutputKind, 'run'>, readonly [what: string, start: RegExp]>> =
  {
    // PNG, or an SVG as figures/svg.ts begins it.
    picture: [
      'a picture',
      /^(\x89PNG\r\n|<svg xmlns="[^"]*" width="\d+" height="\d+" viewBox="[\d ]+" role="img")/,
    ],
    trace: ['a flame chart', /^\{"displayTimeUnit":"ms","traceEvents":/],
    profile: ['a profile', /^\{\s*"work":/],
    explanation: ['the numbers of an explanation', /^\{\s*"schema":\s*"vit-explanation\//],
    page: ['a page', /^<!doctype html>\s*<html lang="en">/],
    table: ['a table of patches', /^(row,column|patch),/],
    parity: ['a report of parity', /^\{\s*"schema":\s*"vit-parity\//],
    // A zip archive of PyTorch, a header of safetensors, or a model of ONNX that we wrote.
    weights: ['a file of weights', /^(PK\x03\x04[^]{26}archive|[^]{8}\{"|\x08[^]\x12\x08tfjs-vit)/], // eslint-disable-line no-control-regex
  };

interface Named {
  flag: string;
  place: string;
}

/**
 * Makes sure that no output of a command replaces one of its inputs, another output, a file that a run folder lists, or a file of
 * another kind, whatever the spelling: relative, through links, another name of the same file.
 *
 * @throws InputError naming the flag and what is there; IoError if the file cannot be written
 */
export async function assertOutputs(
  { flags, positional }: Arguments,
  command: Command,
): Promise<void> {
  const inputs: Named[] = [];
  const outputs: (Named & { kind: OutputKind })[] = [];
  for (const [name, { reads, writes }] of Object.entries(command.flags)) {
    const place = flags[name];
    if (typeof place !== 'string' || place === '') continue;
    if (reads === true) inputs.push({ flag: `--${name}`, place });
    if (writes !== undefined) outputs.push({ flag: `--${name}`, place, kind: writes });
  }
  const words = command.positional;
  if (words?.reads === true) {
    inputs.push(...positional.map((place) => ({ flag: words.name, place })));
  }
  const taken = new Map<string, string>();
  for (const { flag, place, kind } of outputs) {
    if (kind === 'run') {
      await assertNoInputInRun({ flag, place }, inputs);
      continue;
    }
    await assertWritable(place);
    const here = await identityOf(place);
    for (const input of inputs) {
      if (here === (await identityOf(input.place))) throw taking(flag, place, input.flag);
    }
    const other = taken.get(here);
    if (other !== undefined) throw taking(flag, place, other);
    taken.set(here, flag);
    await assertKind({ flag, place }, kind);
    await assertUnlisted({ flag, place });
    if (kind === 'picture') assertPictureName(place, flag);
  }
}

function taking(flag: string, place: string, other: string): InputError {
  const what = `another file than that of ${other}`;
  return new InputError(expected(what, flag, place, 'Choose another name.'));
}

// A file by its place on the disk, whatever its names are; one that is not there by its folder and name.
async function identityOf(file: string): Promise<string> {
  const found = await stat(file, { bigint: true }).catch(() => undefined);
  if (found !== undefined) return `${found.dev}:${found.ino}`;
  const folder = path.dirname(path.resolve(file));
  const real = await realpath(folder).catch(() => folder);
  return path.join(real, path.basename(file));
}

async function assertKind({ flag, place }: Named, kind: Exclude<OutputKind, 'run'>): Promise<void> {
  const start = await beginningOf(place);
  const [what, pattern] = kinds[kind];
  if (start === '' || pattern.test(start)) return;
  const received = `${show(place)}, which holds something else`;
  throw new InputError(
    `Expected ${what} or a new name for ${flag}, received ${received}. Choose another name.`,
  );
}

// The first bytes of a file, a character each; empty if there is none.
async function beginningOf(file: string): Promise<string> {
  const handle = await open(file, 'r').catch(() => undefined);
  if (handle === undefined) return '';
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(256), 0, 256, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

// The manifest of a run must stay true.
async function assertUnlisted({ flag, place }: Named): Promise<void> {
  const { isPlainName, openFolder } = await import('../io/folder.ts');
  const real = await realpath(place).catch(() => undefined);
  if (real === undefined || !isPlainName(path.basename(real))) return;
  const folder = await openFolder(path.dirname(real), { readOnly: true });
  const manifest = await folder.manifest().catch(() => undefined);
  if (manifest?.files.has(path.basename(real)) !== true) return;
  const remedy = 'It belongs to the run or model in that folder. Choose another name.';
  throw new InputError(expected('a file of its own', flag, place, remedy));
}

// A run replaces the files of its folder, so its config must not be one of them.
async function assertNoInputInRun({ flag, place }: Named, inputs: readonly Named[]): Promise<void> {
  for (const name of Object.values(runFileNames)) {
    const own = await identityOf(path.join(place, name));
    for (const input of inputs) {
      if (own !== (await identityOf(input.place))) continue;
      const remedy = `The run would replace ${name}. Choose another folder.`;
      const what = `a folder without the file of ${input.flag}`;
      throw new InputError(expected(what, flag, place, remedy));
    }
  }
}
