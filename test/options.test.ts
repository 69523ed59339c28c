// Options said once: checking by descriptors.

import { InputError } from '../lib/core/errors.ts';
import { nearest } from '../lib/core/nearest.ts';
import { idleOptions, parseOptions } from '../lib/core/option.ts';
import type { OptionTable } from '../lib/core/option.ts';

const table = {
  epochs: { type: 'integer', describe: 'Passes', required: true, min: 1, max: 100 },
  rate: { type: 'number', describe: 'A rate above 0', min: Number.MIN_VALUE, default: 0.1 },
  limit: { type: 'integer', describe: 'The first N', min: 1, nullable: true, default: null },
  dropLast: { type: 'boolean', describe: 'Leave the last out', default: false },
  precision: {
    type: 'string',
    describe: 'Of products',
    choices: ['fp32', 'bf16'],
    spellings: { bfloat16: 'bf16' },
    default: 'fp32',
  },
  folder: { type: 'string', describe: 'A place' },
  data: {
    type: 'any',
    describe: 'What only its own function understands',
    parse: (value: unknown, name: string) => {
      if (value !== 'mnist') throw new InputError(`Expected mnist for ${name}.`);
      return { dataset: value };
    },
  },
  optimizer: {
    type: 'group',
    describe: 'How weights move',
    default: {},
    options: {
      opt: { type: 'string', describe: 'The rule', choices: ['adamw', 'sgd'], default: 'adamw' },
      betas: {
        type: 'numbers',
        length: 2,
        describe: 'Moments',
        min: 0,
        max: 1 - Number.EPSILON,
        default: [0.9, 0.999],
        appliesTo: { opt: ['adamw'] },
      },
      momentum: { type: 'number', describe: 'Momentum', min: 0, appliesTo: { opt: ['sgd'] } },
      nesterov: { type: 'boolean', describe: 'Nesterov', appliesTo: { opt: ['sgd'] } },
    },
  },
  clip: {
    type: 'group',
    describe: 'Clipping',
    nullable: true,
    default: null,
    options: { value: { type: 'number', describe: 'The largest', required: true } },
  },
} as const satisfies OptionTable;
const parse = (value: unknown) =>
  parseOptions<Record<string, unknown>>(table, value, { what: 'an option of the test' });

describe('options of a table', () => {
  test('an option that is not given has its default; a group is kept as given', () => {
    expect(parse({ epochs: 3, optimizer: { opt: 'sgd' }, rate: undefined })).toEqual({
      epochs: 3,
      rate: 0.1,
      limit: null,
      dropLast: false,
      precision: 'fp32',
      optimizer: { opt: 'sgd' },
      clip: null,
    });
  });

  test('other spellings and values with a function of their own are read', () => {
    const { precision, data, limit } = parse({
      epochs: 1,
      precision: 'bfloat16',
      data: 'mnist',
      limit: null,
    });
    expect({ precision, data, limit }).toEqual({
      precision: 'bf16',
      data: { dataset: 'mnist' },
      limit: null,
    });
  });

  test.each<[unknown, string]>([
    [null, 'Expected an object for the options, received null.'],
    [[], 'Expected an object for the options, received [].'],
    [{}, 'Expected an integer ≥ 1 and ≤ 100 for epochs, received undefined.'],
    [{ epochs: '3' }, 'Expected an integer ≥ 1 and ≤ 100 for epochs, received "3".'],
    [{ epochs: 1.5 }, 'Expected an integer ≥ 1 and ≤ 100 for epochs, received 1.5.'],
    [{ epochs: 101 }, 'Expected an integer ≥ 1 and ≤ 100 for epochs, received 101.'],
    [{ epochs: null }, 'Expected an integer ≥ 1 and ≤ 100 for epochs, received null.'],
    [{ epochs: 1, rate: 0 }, 'Expected a finite number > 0 for rate, received 0.'],
    [{ epochs: 1, rate: NaN }, 'Expected a finite number > 0 for rate, received NaN.'],
    [{ epochs: 1, dropLast: 'false' }, 'Expected true or false for dropLast, received "false".'],
    [{ epochs: 1, folder: 3 }, 'Expected a text for folder, received 3.'],
    [{ epochs: 1, data: 'cifar' }, 'Expected mnist for data.'],
    [
      { epochs: 1, precision: 'bf61' },
      'Expected one of fp32, bf16 for precision, received "bf61". Did you mean bf16?',
    ],
    [{ epochs: 1, optimizer: null }, 'Expected an object for optimizer, received null.'],
    [{ epochs: 1, optimizer: 'sgd' }, 'Expected an object for optimizer, received "sgd".'],
    [
      { epochs: 1, optimizer: { nesterov: 'no' } },
      'Expected true or false for optimizer.nesterov, received "no".',
    ],
    [
      { epochs: 1, optimizer: { betas: 0.9 } },
      'Expected 2 finite numbers ≥ 0 and < 1 for optimizer.betas, received 0.9.',
    ],
    [
      { epochs: 1, optimizer: { betas: [0.9] } },
      'Expected 2 finite numbers ≥ 0 and < 1 for optimizer.betas, received [0.9].',
    ],
    [
      { epochs: 1, optimizer: { betas: [0.9, 1] } },
      'Expected a finite number ≥ 0 and < 1 for optimizer.betas[1], received 1.',
    ],
    [{ epochs: 1, clip: {} }, 'Expected a finite number for clip.value, received undefined.'],
    [{ epochs: 1, epoch: 3 }, 'for an option of the test, received "epoch". Did you mean epochs?'],
    [
      { epochs: 1, optimizer: { moment: 1 } },
      'for an option of optimizer, received "moment". Did you mean momentum?',
    ],
    [{ epochs: 1, toString: 3 }, 'for an option of the test, received "toString".'],
  ])('%j is refused', (value, message) => {
    expect(() => parse(value)).toThrow(InputError);
    expect(() => parse(value)).toThrow(message);
  });

  test('an option without effect is found, by its path and the reason', () => {
    const idle = (optimizer: object) => idleOptions(table, { epochs: 1, optimizer });
    expect(idle({ momentum: 0.9 })).toEqual([
      { path: 'optimizer.momentum', reason: 'optimizer.opt is adamw' },
    ]);
    expect(idle({ opt: 'sgd', momentum: 0.9, nesterov: false })).toEqual([]);
    expect(idle({ opt: 'sgd', betas: [0.9, 0.95] })).toEqual([
      { path: 'optimizer.betas', reason: 'optimizer.opt is sgd' },
    ]);
  });
});

test('the nearest word is named only if it is near', () => {
  expect(nearest('batchsize', ['batch-size', 'lr'])).toBe('batch-size');
  expect(nearest('output', ['output-dir', 'lr'])).toBe('output-dir');
  expect(nearest('zzzzzz', ['batch-size', 'lr'])).toBeUndefined();
});
