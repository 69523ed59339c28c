import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { commands } from '../lib/cli/commands.ts';
import { overridesOf } from '../lib/cli/commands/train.ts';
import { parseArguments } from '../lib/cli/parseArguments.ts';
import { vit } from './support/cli.ts';
import type { Command } from '../lib/cli/command.ts';

const example: Command = {
  name: 'example',
  describe: 'For tests',
  positional: { name: 'FILE', describe: 'Files', min: 0, max: 2 },
  flags: {
    'output-dir': { type: 'string', describe: 'A folder', aliases: ['out'] },
    lr: { type: 'number', describe: 'A rate', min: 0 },
    rate: { type: 'number', describe: 'A rate above 0', min: Number.MIN_VALUE },
    epochs: { type: 'integer', describe: 'A count', min: 1, max: 100 },
    neg: { type: 'boolean', describe: 'A switch' },
    mode: { type: 'string', describe: 'A word', choices: ['norm', 'value'] },
  },
  examples: [],
  run: () => Promise.resolve(0),
};
const parse = (...words: string[]) => parseArguments(words, example);

describe('words become values', () => {
  test.each<[string[], Record<string, unknown>]>([
    [['--output-dir', 'a'], { 'output-dir': 'a' }],
    [['--output_dir', 'a'], { 'output-dir': 'a' }],
    [['--output_dir=a=b'], { 'output-dir': 'a=b' }],
    [['--out', 'a b'], { 'output-dir': 'a b' }],
    [['--lr', '1e-3'], { lr: 0.001 }],
    [['--lr=.5'], { lr: 0.5 }],
    [['--lr', '0'], { lr: 0 }],
    [['--epochs', '100'], { epochs: 100 }],
    [['--neg'], { neg: true }],
    [['--neg', 'False'], { neg: false }],
    [['--neg', 'TRUE'], { neg: true }],
    [['--neg=false'], { neg: false }],
    [['--neg=0'], { neg: false }],
    [['--neg=yes'], { neg: true }],
    [['--no-neg'], { neg: false }],
    [['--no_neg'], { neg: false }],
    [['--no-neg=false'], { neg: true }],
    [['--mode', 'value'], { mode: 'value' }],
  ])('%j', (words, flags) => expect(parse(...words).flags).toEqual(flags));

  test('a switch leaves the next word alone unless it is true or false', () => {
    expect(parse('--neg', '1')).toEqual({ flags: { neg: true }, positional: ['1'] });
    expect(parse('a', '--neg', 'false', 'b').positional).toEqual(['a', 'b']);
    expect(parse('--', '--lr', '-x').positional).toEqual(['--lr', '-x']);
    expect(parse('-1', '-').positional).toEqual(['-1', '-']);
  });

  test.each<[string[], RegExp]>([
    [['--outptu-dir', 'a'], /--outptu-dir.*Did you mean --output-dir\?/],
    [['--eposh', '3'], /Did you mean --epochs\?/],
    [['-x'], /a flag of example/],
    [['--completely-else'], /tfjs-vit example --help/],
    [['--lr'], /a value for --lr, received none/],
    [['--lr', '--neg'], /a value for --lr, received none/],
    [['--lr='], /a finite number ≥ 0 for --lr, received ""/],
    [['--output-dir='], /an empty one/],
    [['--lr', 'NaN'], /--lr/],
    [['--lr', '1e999'], /--lr/],
    [['--lr', 'Infinity'], /--lr/],
    [['--lr', '-1'], /≥ 0 for --lr, received "-1"/],
    [['--lr', '0x10'], /--lr/],
    [['--rate', '0'], /a finite number > 0 for --rate, received "0"/],
    [['--lr', '1,5'], /--lr/],
    [['--epochs', '0'], /an integer ≥ 1 and ≤ 100 for --epochs, received "0"/],
    [['--epochs', '1.5'], /an integer/],
    [['--epochs', '101'], /≤ 100/],
    [['--epochs', '99999999999999999999'], /an integer/],
    [['--neg=maybe'], /true or false for --neg, received "maybe"/],
    [['--lr', '1', '--lr', '1'], /--lr once/],
    [['--out', 'a', '--output_dir', 'b'], /--output-dir once/],
    [['--no-lr'], /a flag of example/],
    [['--mode', 'nrom'], /one of norm, value.*Did you mean norm\?/],
    [['a', 'b', 'c'], /at most 2 FILE/],
    [['--__proto__', '1'], /a flag of example/],
    [['--constructor', '1'], /a flag of example/],
  ])('%j is refused', (words, message) => expect(() => parse(...words)).toThrow(message));
});

describe('every command', () => {
  // yargs is a module that jest cannot turn into CommonJS: one process writes all the help.
  let help: Record<string, { code: number; out: string[] }>;
  beforeAll(() => {
    const script = `
      import { runProgram } from './lib/cli/program.ts';
      const help = {};
      for (const words of [['--help'], ...${JSON.stringify(commands.map(({ name }) => [name, '--help']))}]) {
        const out = [];
        const code = await runProgram(words, { out: (line) => out.push(line), error: (line) => out.push(line) });
        help[words[0]] = { code, out };
      }
      process.stdout.write(JSON.stringify(help));`;
    const words = ['--import', 'tsx', '--input-type=module', '-e', script];
    const text = execFileSync(process.execPath, words, { cwd: path.resolve(__dirname, '..') });
    help = JSON.parse(text.toString()) as typeof help;
  }, 60_000);

  test.each(commands.map((command) => [command.name, command] as const))(
    '%s has help that names each flag and shows an example',
    (name, command) => {
      const { code, out } = help[name]!;
      expect(code).toBe(0);
      for (const flag of Object.keys(command.flags)) expect(out.join('\n')).toContain(`--${flag}`);
      expect(out.join('\n')).toContain('Examples:');
      expect(command.examples.length).toBeGreaterThan(0);
      for (const [line] of command.examples) {
        const [first, ...rest] = line.split(' ');
        expect(first).toBe(name);
        expect(() => parseArguments(rest, command)).not.toThrow();
      }
    },
  );

  test('the help of the program names each', () => {
    for (const { name } of commands) {
      expect(help['--help']!.out.join('\n')).toContain(`tfjs-vit ${name}`);
    }
  });

  test('the version is the package’s', async () => {
    const file = path.resolve(__dirname, '../package.json');
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
    expect((await vit('--version')).out).toBe(version);
  });

  test('aliases are their own names once', () => {
    for (const { flags } of commands) {
      const names = Object.entries(flags).flatMap(([name, flag]) => [
        name,
        ...(flag.aliases ?? []),
      ]);
      expect(new Set(names).size).toBe(names.length);
    }
  });
});

test('flags reach their places in the config', () => {
  const train = commands.find(({ name }) => name === 'train')!;
  const of = (...words: string[]) => Object.fromEntries(overridesOf(parseArguments(words, train)));
  expect(
    of('--lr', '0.1', '--weight_decay', '0', '--warmup-epochs', '5', '--drop-path', '0.1'),
  ).toEqual({
    learningRate: 0.1,
    'optimizer.weightDecay': 0,
    'schedule.warmupEpochs': 5,
    'model.dropPathRate': 0.1,
  });
  expect(of('--precision', 'bf16')).toEqual({ precision: 'bf16' });
  expect(of('--seed', '0')).toEqual({ seed: 0, 'model.seed': 0 });
  expect(of('--clip-grad', '1')).toEqual({ 'clip.value': 1 });
  expect(of('--clip_grad', '0.02', '--clip-mode', 'agc')).toEqual({
    'clip.mode': 'agc',
    'clip.value': 0.02,
  });
  expect(of('--clip-grad', '0')).toEqual({ clip: null });
  expect(of('--model-ema')).toEqual({ ema: {} });
  expect(of('--model-ema-decay', '0.9')).toEqual({ 'ema.decay': 0.9 });
  expect(of('--no-model-ema')).toEqual({ ema: null });
  // Without --clip-grad the config's limit holds; one that has none is refused with the config.
  expect(of('--clip-mode', 'agc')).toEqual({ 'clip.mode': 'agc' });
  expect(() => of('--clip-mode', 'agc', '--clip-grad', '0')).toThrow(/--clip-grad 0/);
});

test('an unforeseen error shows its stack and ends with 1', async () => {
  const broken: Command = {
    ...example,
    name: 'broken',
    run: () => Promise.reject(new TypeError('x is undefined')),
  };
  (commands as Command[]).push(broken);
  const { code, error } = await vit('broken');
  (commands as Command[]).pop();
  expect(code).toBe(1);
  expect(error).toMatch(/defect.*TypeError: x is undefined/);
  expect(error).toContain('    at ');
});
