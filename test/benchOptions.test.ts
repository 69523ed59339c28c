import { canDo, peerNames, processOf } from '../bench/contenders.ts';
import { benchHelp, parseOptions } from '../bench/options.ts';
import { InputError, UnsupportedError } from '../lib/node.ts';

describe('the command line', () => {
  test('everything of the long form', () => {
    const line =
      '--work train-tiny,gemm --batch 1,32 --precision fp32 --peers pytorch,onednn --rounds 7 --threads 3 --seconds 0.5 --json out.jsonl --python py --no-limits';
    expect(parseOptions(line.split(' '))).toEqual({
      works: ['train-tiny', 'gemm'],
      batches: [1, 32],
      precisions: ['fp32'],
      peers: ['pytorch', 'onednn'],
      rounds: 7,
      threads: 3,
      seconds: 0.5,
      only: '',
      json: 'out.jsonl',
      chart: 'out.png',
      python: 'py',
      limits: false,
    });
  });

  test('nothing: models and the op table on native and wasm', () => {
    const options = parseOptions([])!;
    expect(options).toMatchObject({ peers: ['wasm'], batches: [32], rounds: 5, limits: true });
    expect(options.works).toContain('ops');
    expect(options.chart).toBeUndefined();
    expect(options.threads).toBeGreaterThan(0);
    expect(parseOptions(['--work', 'train-base'])!.batches).toEqual([]);
  });

  test('a name given twice counts once', () => {
    expect(parseOptions(['--peers', 'wasm,cpu,wasm'])!.peers).toEqual(['wasm', 'cpu']);
  });

  test('help names every peer', () => {
    expect(parseOptions(['--help'])).toBeUndefined();
    for (const name of peerNames) expect(benchHelp).toContain(name);
  });

  test.each([
    [['--work', 'train-huge'], '--work, received train-huge'],
    [['--peers', 'native'], '--peers, received native'],
    [['--peers', ''], '--peers'],
    [['--batch', '0'], '--batch, received 0'],
    [['--batch', '8,x'], '--batch, received x'],
    [['--batch', '1e9'], '--batch'],
    [['--rounds', '1.5'], '--rounds'],
    [['--threads', '257'], '--threads'],
    [['--seconds', '-1'], '--seconds'],
    [['--seconds='], '--seconds'],
    [['--precision', 'int8'], '--precision, received int8'],
    [['--speed', '1'], '--speed'],
    [['gemm'], 'gemm'],
    [['--json'], '--json'],
  ])('%j is refused', (words, part) => {
    expect(() => parseOptions(words)).toThrow(InputError);
    expect(() => parseOptions(words)).toThrow(part);
  });

  test('bf16 does not exist', () => {
    expect(() => parseOptions(['--precision', 'fp32,bf16'])).toThrow(UnsupportedError);
    expect(() => parseOptions(['--precision', 'fp32,bf16'])).toThrow('--precision fp32');
  });
});

describe('contenders', () => {
  const before = process.env['TFJS_VIT_PEERS'];
  beforeAll(() => (process.env['TFJS_VIT_PEERS'] = '/no/such/folder'));
  afterAll(() => {
    if (before === undefined) delete process.env['TFJS_VIT_PEERS'];
    else process.env['TFJS_VIT_PEERS'] = before;
  });

  test('take part in what they can do', () => {
    expect(canDo('onednn', { kind: 'gemm' })).toBe(true);
    expect(canDo('onednn', { kind: 'train' })).toBe(false);
    expect(canDo('onnxruntime', { kind: 'train' })).toBe(false);
    expect(canDo('pytorch', { kind: 'op' })).toBe(false);
    for (const kind of ['train', 'infer', 'gemm', 'op'] as const) {
      expect(canDo('native', { kind })).toBe(true);
    }
  });

  test.each(['pytorch', 'onnxruntime', 'onednn'] as const)(
    '%s that is not set up names the command that does it',
    (name) => {
      expect(() => processOf(name, { threads: 2 })).toThrow(`npm run setup:peers -- ${name}`);
      expect(() => processOf(name, { threads: 2 })).toThrow(UnsupportedError);
    },
  );

  test('an interpreter of one’s own is used, and must be there', () => {
    const { command, args, env } = processOf('pytorch', { threads: 3, python: process.execPath });
    expect(command).toBe(process.execPath);
    expect(args.at(-1)).toBe('3');
    expect(env).toMatchObject({ OMP_NUM_THREADS: '3', MKL_NUM_THREADS: '3' });
    expect(() => processOf('pytorch', { threads: 3, python: '/no/python' })).toThrow('/no/python');
  });
});
