// npm run bench:pickles: hostile and odd PyTorch files, opened here, by torch.load(weights_only=True), and looked at by scanners of pickles.
//   npm run bench:pickles -- [--names]

import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import {
  InputError,
  VitError,
  markdownTable,
  parseSafetensors,
  readTensors,
  toFloat32,
} from '../lib/node.ts';
import { canary, gadgets } from '../test/support/gadgets.ts';
import { dictionary, tensor } from '../test/support/pickleBytes.ts';
import { archive, legacy } from '../test/support/torchFiles.ts';
import { runCommand } from './command.ts';
import { readFlags } from './flags.ts';
import { neededPython, peerFolder } from './peers/folder.ts';
import { inScratchFolder } from './scratchFolder.ts';

const help = `npm run bench:pickles -- [--names]
  --names  also each file on which a tool is wrong
  Hostile: every published form of attack of test/support/gadgets.ts beside a tensor, as a zip archive and in the form of before 1.6. Odd:
  test/goldens/odd-checkpoints, saved by PyTorch. Needs the peers of npm run setup:peers -- pytorch scanners. Nothing is unpickled unsafely.
  Ends with exit code 1 where this library runs something, takes a hostile file for a good one, or loses a weight of an odd one.`;

/** The outcome of a tool for a file: what a loader did, or what a scanner said. */
type Outcome = 'refused' | 'weights' | 'otherwise' | 'flagged' | 'passed' | 'error';
type Outcomes = Readonly<Record<string, Outcome>>;

const odd = join(import.meta.dirname, '../test/goldens/odd-checkpoints');
// An extension of copyreg is a number without a name; it is read past, and listed.
const harmlessHere = /an extension of copyreg/;

await runCommand(async (words) => {
  const flags = readFlags('bench:pickles', words, {
    names: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  });
  if (!flags.help)
    return inScratchFolder('bench-pickles-', (folder) => compare(folder, flags.names));
  console.log(help);
  return 0;
});

async function compare(scratch: string, names: boolean): Promise<number> {
  const [torch, scanners] = [neededPython(), join(peerFolder('scanners'), 'venv', 'bin', 'python')];
  if (!existsSync(scanners)) {
    const remedy = 'Run npm run setup:peers -- scanners.';
    throw new InputError(
      `Expected picklescan, fickling and modelscan in ${scanners}, received nothing. ${remedy}`,
    );
  }
  const files = writeCorpus(scratch);
  // Gadgets that ran would leave the canary in these folders.
  const [home, temporary] = [join(scratch, 'home'), join(scratch, 'tmp')];
  for (const folder of [home, temporary]) mkdirSync(folder);
  process.chdir(home);
  process.env['TMPDIR'] = temporary;
  const touched = () => [home, temporary].some((folder) => existsSync(join(folder, canary)));
  const found = new Map<string, Outcomes>();
  const ran = new Set<string>();
  const note = (outcomes: Readonly<Record<string, Outcomes>>) => {
    for (const [tool, own] of Object.entries(outcomes)) {
      found.set(tool, own);
      if (touched()) ran.add(tool);
    }
  };
  note({ 'tfjs-vit': await readHere(files) });
  const peers = join(import.meta.dirname, 'peers');
  note(
    run(
      torch,
      [join(peers, 'torch_weights_only.py'), scratch, join(odd, 'expected.safetensors')],
      scratch,
    ),
  );
  note(run(scanners, [join(peers, 'pickle_scanners.py'), scratch], scratch));
  const rows = [...found].map(([tool, outcomes]) => [
    tool,
    ...counts(outcomes),
    ran.has(tool) ? 'YES' : 'no',
  ]);
  const hostile = [...files.keys()].filter((name) => name.startsWith('hostile/')).length;
  console.log(
    `${hostile} hostile files of ${gadgets.size} forms, ${files.size - hostile} odd ones.\n`,
  );
  const head = [
    '',
    'hostile: refused or flagged',
    'taken for good',
    'cannot say',
    'odd: all weights, or passed',
    'refused or flagged',
    'cannot say',
    'canary touched',
  ];
  console.log(markdownTable({ head, rows }));
  const wrong = [...found].map(([tool, outcomes]) => [tool, mistakes(outcomes)] as const);
  if (names)
    for (const [tool, own] of wrong)
      console.log(`\n${tool}:\n${own.map((one) => `  ${one}`).join('\n')}`);
  const ours = mistakes(found.get('tfjs-vit')!).filter((name) => !harmlessHere.test(name));
  return ours.length === 0 && !ran.has('tfjs-vit') ? 0 : 1;
}

// Writes the corpus: [folder/name, bytes].
function writeCorpus(scratch: string): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const [name, gadget] of gadgets) {
    const object = dictionary({ w: tensor(), x: gadget });
    const file = name.replaceAll(/[^\w.]+/g, ' ');
    files.set(`hostile/${file}.pth`, archive(object));
    files.set(`hostile/${file}, old form.pth`, legacy(object));
  }
  for (const folder of ['hostile', 'odd']) mkdirSync(join(scratch, folder));
  for (const [name, bytes] of files) writeFileSync(join(scratch, name), bytes);
  for (const name of readdirSync(odd).filter((one) => one.endsWith('.pth'))) {
    copyFileSync(join(odd, name), join(scratch, 'odd', basename(name)));
    files.set(`odd/${name}`, new Uint8Array(readFileSync(join(odd, name))));
  }
  return files;
}

async function readHere(files: ReadonlyMap<string, Uint8Array>): Promise<Record<string, Outcome>> {
  const expected = parseSafetensors(readFileSync(join(odd, 'expected.safetensors'))).tensors;
  const found: Record<string, Outcome> = {};
  for (const [name, bytes] of files) {
    try {
      const { tensors } = await readTensors(bytes, name);
      const all = [...expected].every(([key, wanted]) => {
        const own = [...tensors].find(([given]) => given.endsWith(key))?.[1];
        const same = own !== undefined && own.shape.join() === wanted.shape.join();
        return same && toFloat32(wanted).every((value, i) => toFloat32(own)[i] === value);
      });
      found[name] = all ? 'weights' : 'otherwise';
    } catch (error) {
      if (!(error instanceof VitError)) throw error;
      found[name] = 'refused';
    }
  }
  return found;
}

function run(python: string, words: readonly string[], scratch: string): Record<string, Outcomes> {
  const out = join(scratch, 'found.json');
  const { status } = spawnSync(python, [...words, out], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0)
    throw new InputError(
      `Expected ${basename(words[0]!)} to end well, received exit code ${status}.`,
    );
  return JSON.parse(readFileSync(out, 'utf8')) as Record<string, Outcomes>;
}

function isGood(outcome: Outcome): boolean {
  return outcome === 'weights' || outcome === 'passed';
}

function isBad(outcome: Outcome): boolean {
  return outcome === 'refused' || outcome === 'flagged';
}

function counts(outcomes: Outcomes): number[] {
  const of = (folder: string) =>
    Object.entries(outcomes)
      .filter(([name]) => name.startsWith(folder))
      .map(([, outcome]) => outcome);
  const [hostile, benign] = [of('hostile/'), of('odd/')];
  const number = (all: readonly Outcome[], test: (one: Outcome) => boolean) =>
    all.filter(test).length;
  const refused = number(hostile, isBad);
  const errors = number(hostile, (one) => one === 'error');
  const [good, bad] = [number(benign, isGood), number(benign, isBad)];
  return [
    refused,
    hostile.length - refused - errors,
    errors,
    good,
    bad,
    benign.length - good - bad,
  ];
}

function mistakes(outcomes: Outcomes): string[] {
  return Object.entries(outcomes)
    .filter(([name, outcome]) => (name.startsWith('hostile/') ? !isBad(outcome) : !isGood(outcome)))
    .map(([name, outcome]) => `${name}: ${outcome}`);
}
