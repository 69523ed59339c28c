// Pickles: what is read, what is refused, and that nothing is ever executed.

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { CheckpointError, VitError } from '../lib/core/errors.ts';
import { toFloat32 } from '../lib/checkpoints/hostTensor.ts';
import { readPickle } from '../lib/checkpoints/pickle/readPickle.ts';
import {
  PyObject,
  PyTuple,
  itemsOf,
  type PyGlobal,
  type PyValue,
} from '../lib/checkpoints/pickle/values.ts';
import { readTensors } from '../lib/checkpoints/readTensors.ts';
import { canary, gadgets } from './support/gadgets.ts';
import {
  bytesOf,
  call,
  dictionary,
  global,
  integer,
  tensor,
  text,
  tuple,
  uint32,
} from './support/pickleBytes.ts';
import { archive, legacy } from './support/torchFiles.ts';

const odd = path.join(import.meta.dirname, 'goldens/odd-checkpoints');
const plain = { rebuild: new Map() };
const read = (pickle: string) => readPickle(bytesOf(pickle), 'x.pkl', plain).value;
afterEach(() => {
  expect(existsSync(path.join(tmpdir(), canary)) || existsSync(canary)).toBe(false);
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
});

describe('values', () => {
  test.each<[string, string, PyValue]>([
    ['None', 'N.', null],
    ['True and False of protocol 0', '(I01\nI00\nl.', [true, false]],
    ['integers', '(K\x05M\x01\x02J\xff\xff\xff\xffI-7\nL12L\nl.', [5, 513, -1, -7, 12]],
    ['long integers', '\x8a\x00\x8a\x01\xff\x86.', new PyTuple([0, -1])],
    ['an integer past 2⁵³', '\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01.', 2n ** 64n],
    [
      'floats',
      '(G?\xf8\x00\x00\x00\x00\x00\x00F2.5\nFinf\nF-inf\nl.',
      [1.5, 2.5, Infinity, -Infinity],
    ],
    [
      'texts',
      `(${text('ab')}\x8c\x01cVd\\u00e9\nS'e\\x41\\n'\nU\x01fl.`,
      ['ab', 'c', 'dé', 'eA\n', 'f'],
    ],
    ['bytes', 'C\x02ab.', bytesOf('ab')],
    [
      'a dictionary with __proto__',
      `}${text('__proto__')}}s.`,
      new Map([['__proto__', new Map()]]),
    ],
    ['a set', '\x8f(K\x01K\x02\x90.', new Set([1, 2])],
    [
      'one value twice by the memo',
      '](K\x01K\x01eq\x000h\x00h\x00\x86.',
      new PyTuple([
        [1, 1],
        [1, 1],
      ]),
    ],
    ['protocol 4: a frame, MEMOIZE', `\x80\x04\x95${uint32(4)}${uint32(0)}\x8c\x01a\x94.`, 'a'],
  ])('%s', (_, pickle, value) => {
    expect(read(pickle)).toEqual(value);
  });

  test('a call becomes a node with its parts', () => {
    const made = read(
      `${global('a.b', 'C')}(K\x01tR}${text('x')}K\x02sb(${text('k')}K\x03u(K\x04e.`,
    ) as PyObject;
    expect(made).toBeInstanceOf(PyObject);
    expect((made.callable as PyGlobal).path).toBe('a.b.C');
    expect(itemsOf(made.args)).toEqual([1]);
    expect(made.state).toEqual(new Map([['x', 2]]));
    expect(made.entries).toEqual(new Map([['k', 3]]));
    expect(made.items).toEqual([4]);
  });

  test('depth costs nothing, and a list may contain itself', () => {
    const depth = 200_000;
    let value = read(`${']'.repeat(depth)}${'a'.repeat(depth - 1)}.`);
    let levels = 0;
    for (; Array.isArray(value); value = value[0]!) levels += 1;
    expect(levels).toBe(depth);
    const loop = read(']q\x00h\x00a.') as PyValue[];
    expect(loop[0]).toBe(loop);
  });
});

describe('broken pickles', () => {
  test.each<[string, string, RegExp]>([
    ['nothing', '', /1 bytes.*the end/],
    ['no STOP', 'N', /end of the file/],
    ['an unknown opcode', '\xff.', /an opcode of pickle at byte 0.*0xff/],
    ['protocol 6', '\x80\x06N.', /protocol 0 to 5/],
    ['a memo slot that was never written', 'h\x07.', /memo.*7/],
    ['a value from an empty stack', '.', /value on the stack/],
    ['a value from below a mark', 'N(.', /value on the stack/],
    ['a mark that is not there', 'Nt.', /mark/],
    ['a text past the end', `X${uint32(2 ** 31)}ab.`, /bytes.*end of the file/],
    ['a text of 2⁶³ bytes', '\x8d\xff\xff\xff\xff\xff\xff\xff\x7fab.', /length within/],
    ['a text of 17 MB', `X${uint32(2 ** 24 + 1)}${'a'.repeat(2 ** 24 + 1)}.`, /at most 16777216/],
    ['a line of 70 kB', `I${'9'.repeat(70_000)}\n.`, /a line of at most 65536 bytes/],
    ['an integer of 4 GB', '\x8b\xff\xff\xff\x7f.', /at most 256 bytes/],
    ['an integer of sixty thousand digits', `L${'9'.repeat(6e4)}L\n.`, /an integer/],
    ['a key without a value', '}(K\x01u.', /a key without/],
    ['an item appended to a number', 'K\x01K\x02a.', /list to append/],
    ['an item set in a list', ']K\x01K\x02s.', /a dictionary/],
    ['a global without an end', 'cos', /end of a line/],
    ['a module that is no text', 'K\x01K\x02\x93.', /a module and a name/],
    ['a buffer outside the pickle', '\x97.', /opcode/],
    ['a persistent id without storages', 'K\x01Q.', /persistent/],
    ['opcodes without end', `${'N0'.repeat(1_000_001)}N.`, /at most 2000000 opcodes/],
    ['a stack without end', `${'N'.repeat(500_002)}.`, /at most 500000 values/],
    ['marks without end', `${'('.repeat(500_002)}.`, /at most 500000 marks/],
    ['a memo without end', `N${'\x94'.repeat(500_002)}.`, /at most 500000 values in the memo/],
  ])('%s', (_, pickle, message) => {
    expect(() => read(pickle)).toThrow(CheckpointError);
    expect(() => read(pickle)).toThrow(message);
  });

  test('doubling by the memo makes no more than its own values', () => {
    const levels = 'h\x00h\x00\x86q\x00'.repeat(200);
    expect(read(`]q\x00${levels}.`)).toBeInstanceOf(PyTuple);
  });
});

describe('a hostile pickle runs nothing', () => {
  test('there are over 60 forms', () => expect(gadgets.size).toBeGreaterThan(60));

  test.each([...gadgets])('%s', async (name, gadget) => {
    const object = dictionary({ w: tensor(), x: gadget });
    for (const file of [archive(object), legacy(object)]) {
      const read = await readTensors(file, 'x.pth').catch((error: unknown) => error);
      if (read instanceof Error) {
        expect(read).toBeInstanceOf(CheckpointError);
        expect(read.message).toMatch(/names .*Nothing of it was run/);
      } else {
        // An extension has no name that tells what it would be.
        expect(name).toBe('an extension of copyreg');
        expect(read).toMatchObject({ globals: ['copyreg.extension 1'] });
      }
    }
  });

  test('in the other pickles of an old file, and instead of the object', async () => {
    const run = call('posix', 'system', text('x'));
    const good = dictionary({ w: tensor() });
    for (const file of [
      legacy(good, { facts: `\x80\x02${run}.` }),
      legacy(good, { keys: `\x80\x02](${run}e.` }),
      legacy(`\x80\x02${run}.`),
      archive(`\x80\x02${run}.`),
      archive(dictionary({ w: tensor({}, run) })),
    ]) {
      await expect(readTensors(file, 'x.pth')).rejects.toThrow(/posix\.system/);
    }
    expect((await readTensors(legacy(good), 'x.pth')).tensors.size).toBe(1);
  });
});

describe('checkpoints with things beside the weights', () => {
  const names = readdirSync(odd).filter((name) => name.endsWith('.pth'));
  const load = (name: string, options = {}) =>
    readTensors(new Uint8Array(readFileSync(path.join(odd, name))), name, undefined, options);

  test('there are over 40', () => expect(names.length).toBeGreaterThan(40));

  test.each(names)('%s: every weight', async (name) => {
    const { tensors: wanted } = await load('expected.safetensors');
    const { tensors } = await load(name);
    for (const [key, { shape, data }] of wanted) {
      const found = [...tensors].find(([own]) => own.endsWith(key));
      expect(found?.[1].shape).toEqual(shape);
      expect(toFloat32(found![1])).toEqual(data);
    }
    expect(tensors.size).toBe(name === 'swa.pth' ? 3 : 2);
  });

  test('what was chosen and left out is said', async () => {
    const { notes, facts, globals } = await load('deit.pth');
    expect(notes).toEqual([
      expect.stringMatching(/those of model; beside them stand model_ema/),
      expect.stringMatching(/--use-ema/),
    ]);
    expect(facts).toEqual({ model: 'vit_tiny_patch16_224', numClasses: 10, imageSize: 224 });
    expect(globals).toEqual(['argparse.Namespace', 'pathlib.PurePosixPath']);
    expect((await load('mixed-entries.pth')).notes).toEqual([
      'No tensors, left out: num_heads; name; nothing.',
    ]);
  });

  test('the averages, and a set by its key', async () => {
    const plainBias = toFloat32((await load('deit.pth')).tensors.get('fc.bias')!);
    for (const options of [{ useEma: true }, { checkpointKey: 'model_ema' }]) {
      const bias = toFloat32((await load('deit.pth', options)).tensors.get('fc.bias')!);
      expect(bias[0]).toBeCloseTo(plainBias[0]! + 1, 6);
    }
    const { tensors } = await load('dino.pth', { checkpointKey: 'student' });
    expect([...tensors.keys()]).toEqual(['module.fc.weight', 'module.fc.bias']);
    await expect(load('deit.pth', { checkpointKey: 'nothing' })).rejects.toThrow(
      /model; model_ema/,
    );
    await expect(load('lightning.pth', { useEma: true })).rejects.toThrow(/averaged weights/);
  });
});

describe('tensors', () => {
  test.each<[string, string, RegExp]>([
    ['sizes past the storage', tensor({ shape: [2 ** 31 - 1] }), /within the 2 of its storage/],
    ['a negative stride', tensor({ stride: [-1] }), /strides of integers/],
    ['a negative size', tensor({ shape: [-2] }), /sizes of integers/],
    ['an offset past the storage', tensor({ offset: 1 }), /within the 2/],
    ['a stride that is missing', tensor({ shape: [1, 2] }), /a stride for each size/],
    ['another size of the storage', tensor({ size: 3 }), /12 bytes of storage "0".*8/],
    ['a storage that is missing', tensor({ key: '../../x' }), /"archive\/data\/\.\.\/\.\.\/x"/],
    ['a quantized storage', tensor({ type: 'QInt8Storage' }), /QInt8Storage/],
    [
      'elements repeated to gigabytes',
      tensor({ shape: [2 ** 30, 2], stride: [0, 1] }),
      /at most four times/,
    ],
    ['elements repeated past 2⁵³', tensor({ shape: [2 ** 30, 2 ** 30], stride: [0, 0] }), /within/],
    ['a name with NUL', '', /without NUL/],
  ])('%s is refused', async (what, piece, message) => {
    const object = what === 'a name with NUL' ? { 'a\0b': tensor() } : { w: piece };
    const error = await readTensors(archive(dictionary(object)), 'x.pth').catch((e: unknown) => e);
    expect(error).toBeInstanceOf(VitError);
    expect((error as Error).message).toMatch(message);
  });

  test('a row that is repeated, and a tensor without elements', async () => {
    const object = dictionary({
      rows: tensor({ shape: [2, 2], stride: [0, 1] }),
      none: tensor({ shape: [0, 4], stride: [4, 1] }),
    });
    const { tensors } = await readTensors(archive(object), 'x.pth');
    expect(tensors.get('rows')!.data).toEqual(Float32Array.of(1, 2, 1, 2));
    expect(tensors.get('none')).toEqual({ dtype: 'F32', shape: [0, 4], data: new Float32Array(0) });
  });

  test('several sets of weights, and none', async () => {
    const inner = (value: string) => `}${text('w')}${value}s`;
    const two = dictionary({ first: inner(tensor()), second: inner(tensor()) });
    await expect(readTensors(archive(two), 'x.pth')).rejects.toThrow(
      /one set of weights.*first; second.*--checkpoint-key/,
    );
    expect(
      (await readTensors(archive(two), 'x', undefined, { checkpointKey: 'second' })).tensors.size,
    ).toBe(1);
    await expect(readTensors(archive(dictionary({ epoch: integer(3) })), 'x')).rejects.toThrow(
      /no weights/,
    );
    const optimizer = dictionary({ optimizer: inner(tensor()), t: tuple() });
    await expect(readTensors(archive(optimizer), 'x.pth')).rejects.toThrow(/optimizer/);
  });
});
