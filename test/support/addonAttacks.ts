// Wrong arguments for the functions of the native addon, derived from a valid call. Each must end in its stated outcome.

import type { Argument, Field, Length } from './addonCalls.ts';

/** The required outcome of a call with wrong arguments: a TypeError, the error of a getter, or a value. */
export type Outcome = 'TypeError' | 'getter' | 'value';

export interface Attack {
  what: string;
  args: () => unknown[];
  outcome: Outcome;
}

/** The attacks on a call: each changes a valid call in one place. */
export function attacksOn(call: readonly Argument[], again: (args: unknown[]) => void): Attack[] {
  const valid = (): unknown[] => call.map(({ make }) => make());
  const attacks: Attack[] = [
    { what: 'an argument too many', args: () => [...valid(), 0], outcome: 'TypeError' },
    {
      what: 'forty arguments',
      args: () => Array.from({ length: 40 }, () => 0),
      outcome: 'TypeError',
    },
  ];
  if (call.length > 0) {
    attacks.push({ what: 'no argument', args: () => [], outcome: 'TypeError' });
    attacks.push({
      what: 'an argument too few',
      args: () => valid().slice(1),
      outcome: 'TypeError',
    });
  }
  call.forEach((argument, index) => {
    const put = (what: string, value: () => unknown, outcome: Outcome = 'TypeError'): void => {
      const args = (): unknown[] => valid().with(index, value());
      attacks.push({ what: `${what} for argument ${index}`, args, outcome });
    };
    for (const [what, value] of wrongFor(argument)) put(what, value);
    if (isArray(argument)) arrayAttacks(argument, put);
    if (isList(argument)) attacks.push(...listAttacks(argument, index, valid, again));
  });
  return attacks;
}

/** Calls in which every output is an input too. They need not be allowed, but they must end. */
export function overlapping(call: readonly Argument[]): unknown[] {
  const made = new Map<string, unknown>();
  return call.map((argument) => {
    if (argument.kind !== 'floats' && argument.kind !== 'ints') return argument.make();
    const array = argument.make();
    const key = `${argument.kind} ${array.length}`;
    if (!made.has(key)) made.set(key, array);
    return made.get(key);
  });
}

type Wrong = readonly [what: string, value: () => unknown];

const never: readonly Wrong[] = [
  ['undefined', () => undefined],
  ['an object', () => ({})],
  ['a symbol', () => Symbol('x')],
  ['a function', () => () => 1],
  ['a bigint', () => 2n],
];
const notNumbers: readonly Wrong[] = [
  ...never,
  ['null', () => null],
  ['text', () => '2'],
  ['a boxed number', () => Object(2) as unknown],
  ['an object with valueOf', () => ({ valueOf: () => 2 })],
  ['an array of a number', () => [2]],
];
const notSizes: readonly Wrong[] = [
  ...notNumbers,
  ['NaN', () => NaN],
  ['a negative number', () => -2],
  ['infinity', () => Infinity],
  ['a fraction', () => 1.5],
  ['2^41', () => 2 ** 41],
  ['2^53', () => 2 ** 53],
  ['2^64', () => 2 ** 64],
];
const notArrays: readonly Wrong[] = [
  ...never,
  ['text', () => 'text'],
  ['a number', () => 4],
  ['an array of numbers', () => [1, 2, 3, 4]],
  ['a Float64Array', () => new Float64Array(4)],
  ['a BigInt64Array', () => new BigInt64Array(4)],
  ['an ArrayBuffer', () => new ArrayBuffer(16)],
  ['a DataView', () => new DataView(new ArrayBuffer(16))],
  ['a proxy of an array', () => new Proxy(new Float32Array(4), {})],
  ['an array-like object', () => ({ length: 4, 0: 1, 1: 1, 2: 1, 3: 1 })],
];

function isArray(argument: Argument): argument is Argument & { make: () => Bytes; length: Length } {
  return ['floats', 'bytes', 'ints', 'doubles', 'bias', 'descriptor'].includes(argument.kind);
}
type Bytes = Float32Array | Float64Array | Int32Array | Uint8Array;

function isList({ kind }: Argument): boolean {
  return kind === 'tensors' || kind === 'reals' || kind === 'sizes' || kind === 'walk';
}

function wrongFor(argument: Argument): readonly Wrong[] {
  switch (argument.kind) {
    case 'size':
      return [...notSizes, ['another size', () => argument.make() + 7], ['2^40', () => 2 ** 40]];
    case 'choice':
      return [...notSizes, ['1000', () => 1000]];
    case 'real':
      return notNumbers;
    case 'flag':
      return [...never, ['null', () => null], ['1', () => 1], ['text', () => 'true']];
    case 'text':
      return [...never, ['null', () => null], ['a number', () => 1], ['a list', () => ['avx2']]];
    case 'floats':
    case 'ints':
      return [...notArrays, ['null', () => null]];
    case 'bytes':
      return [
        ...notArrays,
        ['null', () => null],
        ['a clamped one', () => new Uint8ClampedArray(8)],
      ];
    case 'doubles':
      return [
        ...notArrays.filter(([what]) => what !== 'a Float64Array'),
        ['null', () => null],
        ['a Float32Array', () => Float32Array.from(argument.make())],
      ];
    case 'bias':
      return notArrays;
    case 'descriptor':
      return [
        ...notArrays.filter(([what]) => what !== 'a Float64Array'),
        ['null', () => null],
        ['a Float32Array', () => Float32Array.from(argument.make())],
        ...wrongFields(argument),
      ];
    default:
      return [
        ...never,
        ['null', () => null],
        ['text', () => 'text'],
        ['a typed array', () => new Float32Array(6)],
        ['a proxy', () => new Proxy(argument.make(), {})],
        ['an array-like object', () => ({ length: 1, 0: argument.make()[0] })],
        ['a list of 2^32 - 1 holes', () => new Array<unknown>(2 ** 32 - 1)],
        ['a list of a million holes', () => new Array<unknown>(1_000_000)],
        ['a list with null', () => argument.make().fill(null as never)],
        ['a list of lists', () => argument.make().map(() => [])],
        ...(argument.kind === 'tensors' && argument.length === 'any' ? [] : otherLengths(argument)),
        ...(argument.kind === 'sizes' ? otherSizes(argument) : []),
      ];
  }
}

function otherLengths({ make }: { make: () => unknown[] }): readonly Wrong[] {
  return [
    ['an empty list', () => []],
    ['a list with one element less', () => make().slice(1)],
    ['a list with one element more', () => [...make(), make()[0]]],
  ];
}

function otherSizes({ make }: { make: () => number[] }): readonly Wrong[] {
  const wrong = [0, -1, 1.5, NaN, Infinity, 2 ** 41, 2 ** 64, 1000, 2 ** 40];
  return make().flatMap((_, i) =>
    wrong
      .filter((value) => i < 4 || value !== 0)
      .map((value): Wrong => [`size ${i} of ${value}`, () => make().with(i, value)]),
  );
}

const wrongNumbers: Readonly<Record<Field, readonly number[]>> = {
  size: [0, -2, 1.5, NaN, Infinity, 2 ** 41, 2 ** 53, 2 ** 64],
  choice: [-2, 0.5, NaN, Infinity, 1000],
  flag: [-1, 0.5, 2, NaN],
  real: [],
};

/** Descriptors with one number that its field does not take, or that is the size of other arrays. */
function wrongFields({
  make,
  fields,
  fit,
}: {
  make: () => Float64Array;
  fields: readonly Field[];
  fit: boolean;
}): readonly Wrong[] {
  return fields.flatMap((field, i) => {
    const others = field === 'size' && fit ? [make()[i]! + 7, 2 ** 40] : [];
    return [...wrongNumbers[field], ...others].map((value): Wrong => [
      `${value} in field ${i}`,
      () => make().with(i, value),
    ]);
  });
}

function detached<T extends Bytes>(array: T): T {
  structuredClone(array.buffer, { transfer: [array.buffer as ArrayBuffer] });
  return array;
}

/** Over resizable memory; Node 20 has it, its types do not. */
function resizable(array: Bytes, extra = 0): { view: Bytes; resize: (bytes: number) => void } {
  const Buffer = ArrayBuffer as unknown as new (
    bytes: number,
    options: object,
  ) => ArrayBuffer & { resize: (bytes: number) => void };
  const buffer = new Buffer(array.byteLength, { maxByteLength: array.byteLength + extra });
  const view = new (array.constructor as Float32ArrayConstructor)(buffer);
  view.set(array);
  return { view, resize: (bytes) => buffer.resize(bytes) };
}

function arrayAttacks(
  { make, length }: { make: () => Bytes; length: Length },
  put: (what: string, value: () => unknown, outcome?: Outcome) => void,
): void {
  const another = (): Float32ArrayConstructor => make().constructor as Float32ArrayConstructor;
  put('a detached array', () => detached(make()));
  put('another kind of elements', () =>
    make() instanceof Float32Array ? new Int16Array(make().length) : new Uint16Array(make().length),
  );
  // Shared memory never shrinks, so it is safe to use.
  put(
    'shared memory',
    () => {
      const view = new (another())(new SharedArrayBuffer(make().byteLength));
      view.set(make());
      return view;
    },
    'value',
  );
  put('resizable memory', () => resizable(make(), 8).view, 'value');
  if (length === 'any') return;
  put('an element too few', () => make().subarray(1));
  put('an array that shrank', () => {
    const { view, resize } = resizable(make());
    resize(0);
    return view;
  });
  if (length === 'least') return;
  put('an element too many', () => new (another())(make().length + 1));
  put('an array that grew', () => {
    const { view, resize } = resizable(make(), 8);
    resize(make().byteLength + 8);
    return view;
  });
}

/** Elements with getters: they run while the arguments are read. */
function listAttacks(
  list: Argument,
  index: number,
  valid: () => unknown[],
  again: (args: unknown[]) => void,
): Attack[] {
  const withGetter = (
    get: (args: unknown[], mine: unknown[], item: unknown) => unknown,
  ): (() => unknown[]) => {
    return () => {
      const args = valid();
      const mine = args[index] as unknown[];
      const last = mine.length - 1;
      const item = mine[last];
      Object.defineProperty(mine, last, { configurable: true, get: () => get(args, mine, item) });
      return args;
    };
  };
  const arraysOf = (args: unknown[]): Float32Array[] =>
    args.flatMap((one, i) => {
      if (one instanceof Float32Array) return [one];
      if (!Array.isArray(one) || one[0] === undefined || !(one[0] instanceof Float32Array))
        return [];
      return (one as Float32Array[]).slice(0, i === index ? -1 : undefined);
    });
  const attack = (
    what: string,
    outcome: Outcome,
    get: Parameters<typeof withGetter>[0],
  ): Attack => ({ what: `${what} in argument ${index}`, args: withGetter(get), outcome });
  const found = [
    attack('a getter that throws', 'getter', () => {
      throw new RangeError('getter');
    }),
    attack('a getter of something else', 'TypeError', () => 'text'),
    attack('a getter that calls the addon', 'value', (_args, _mine, item) => {
      again(valid());
      return item;
    }),
    {
      what: `a getter that empties the list in argument ${index}`,
      args: () => {
        const args = valid();
        const mine = args[index] as unknown[];
        const get = (): unknown => (mine.pop(), list.make());
        Object.defineProperty(mine, 0, { configurable: true, get });
        return args;
      },
      outcome: 'TypeError' as const,
    },
  ];
  if (arraysOf(valid()).length > 0)
    found.push(
      attack('a getter that detaches the other arrays', 'TypeError', (args, _mine, item) => {
        for (const array of arraysOf(args)) if (array.byteLength > 0) detached(array);
        return item;
      }),
    );
  return found;
}
