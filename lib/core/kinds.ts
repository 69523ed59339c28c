// Checks of the kinds of arguments, for callers without types: a table says which kind each field of an object has.

import { isRecord } from './check.ts';
import { InputError, expected } from './errors.ts';

const tests = {
  object: ['an object', isRecord],
  // An object of any class: a data set, a tensor, a store.
  instance: ['an object', (value: unknown) => typeof value === 'object' && value !== null],
  list: ['a list', Array.isArray],
  array: ['a list or a typed array', (value: unknown) => Array.isArray(value) || isTyped(value)],
  map: ['a Map', (value: unknown) => isTagged(value, 'Map')],
  bytes: ['a Uint8Array', (value: unknown) => isTagged(value, 'Uint8Array')],
  floats: ['a Float32Array', (value: unknown) => isTagged(value, 'Float32Array')],
  text: ['a text', (value: unknown) => typeof value === 'string'],
  boolean: ['true or false', (value: unknown) => typeof value === 'boolean'],
  function: ['a function', (value: unknown) => typeof value === 'function'],
  number: ['a finite number', Number.isFinite],
  integer: ['an integer', Number.isSafeInteger],
  count: ['an integer ≥ 1', (value: unknown) => Number.isSafeInteger(value) && Number(value) >= 1],
  rate: [
    'a number from 0 to 1',
    (value: unknown) => typeof value === 'number' && value >= 0 && value <= 1,
  ],
} as const satisfies Record<string, readonly [string, (value: unknown) => boolean]>;

/** The kinds of values that `assertKind` knows; with `?` the value may be undefined. */
export type Kind = keyof typeof tests | `${keyof typeof tests}?`;

/** Throws an InputError unless a value is of the kind. */
export function assertKind(name: string, value: unknown, kind: Kind): void {
  const optional = kind.endsWith('?');
  if (optional && value === undefined) return;
  const [phrase, test] = tests[(optional ? kind.slice(0, -1) : kind) as keyof typeof tests];
  if (!test(value)) throw new InputError(expected(phrase, name, value));
}

/**
 * Throws an InputError unless a value is an object whose fields are of their kinds; other fields are not looked at.
 *
 * @example assertFields('the bar chart', options, {bars: 'list', title: 'text?'});
 */
export function assertFields(
  name: string,
  value: unknown,
  kinds: Readonly<Record<string, Kind>>,
): void {
  assertKind(name, value, 'instance');
  const fields = value as Readonly<Record<string, unknown>>;
  for (const [field, kind] of Object.entries(kinds)) {
    assertKind(`${field} of ${name}`, fields[field], kind);
  }
}

/** Throws an InputError unless a value has the methods that are called later. */
export function assertMethods(
  what: string,
  name: string,
  value: unknown,
  methods: readonly string[],
): void {
  const object = (typeof value === 'object' && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  if (methods.some((method) => typeof object[method] !== 'function')) {
    throw new InputError(expected(what, name, value));
  }
}

/** Throws an InputError unless a value is a list, each entry of the kind. */
export function assertListOf(name: string, value: unknown, kind: Kind): void {
  assertKind(name, value, 'list');
  (value as unknown[]).forEach((entry, i) => assertKind(`${name}[${i}]`, entry, kind));
}

// By name: an array of another realm (a worker, a test runner) is of another class.
function isTagged(value: unknown, tag: string): boolean {
  return Object.prototype.toString.call(value) === `[object ${tag}]`;
}

function isTyped(value: unknown): boolean {
  return ArrayBuffer.isView(value) && !isTagged(value, 'DataView');
}
