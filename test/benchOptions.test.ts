import { peerNames, processOf, whyLeftOut } from '../bench/contenders.ts';
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
    // The spelling of tfjs-vit bench.
    expect(parseOptions(['--backend', 'native,tensorflow'])!.peers).toEqual(['tfjs-node']);
    expect(parseOptions(['--backends', 'native'])!.peers).toEqual([]);
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

  test('precisions, each once', () => {
    expect(parseOptions(['--precision', 'bf16,fp32,bf16'])!.precisions).toEqual(['bf16', 'fp32']);
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
    const precision = 'fp32';
    expect(whyLeftOut('onednn', { kind: 'gemm', precision })).toBeUndefined();
    expect(whyLeftOut('onednn', { kind: 'train', precision })).toMatch('onednn is left out');
    expect(whyLeftOut('onednn', { kind: 'train', precision })).toMatch('gemm only');
    expect(whyLeftOut('onnxruntime', { kind: 'train', precision })).toMatch('infer only');
    expect(whyLeftOut('pytorch', { kind: 'op', precision })).toMatch('train, infer, gemm only');
    for (const kind of ['train', 'infer', 'gemm', 'op'] as const) {
      expect(whyLeftOut('native', { kind, precision })).toBeUndefined();
    }
  });

  test('a contender without bf16 says so', () => {
    const precision = 'bf16';
    for (const name of ['native', 'pytorch'] as const) {
      for (const kind of ['train', 'infer', 'gemm'] as const) {
        expect(whyLeftOut(name, { kind, precision })).toBeUndefined();
      }
    }
    expect(whyLeftOut('onednn', { kind: 'gemm', precision })).toBeUndefined();
    for (const name of ['wasm', 'cpu', 'tfjs-node', 'jax-js', 'onnxruntime'] as const) {
      expect(whyLeftOut(name, { kind: 'infer', precision })).toMatch(`${name} is left out`);
      expect(whyLeftOut(name, { kind: 'infer', precision })).toMatch('fp32 only');
    }
  });

  test.each(['pytorch', 'onnxruntime', 'onednn', 'jax-js'] as const)(
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
