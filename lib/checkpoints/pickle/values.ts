// The values of a Python pickle as plain data. A class or function of Python is a name here, and what it would make a node.

/** A class or function that a pickle names. It stays a name: nothing is imported or called. */
export class PyGlobal {
  readonly module: string;
  readonly name: string;

  constructor(module: string, name: string) {
    this.module = module;
    this.name = name;
  }

  /** `torch._utils._rebuild_tensor_v2` */
  get path(): string {
    return `${this.module}.${this.name}`;
  }
}

/** A tuple. */
export class PyTuple {
  readonly items: readonly PyValue[];

  constructor(items: readonly PyValue[]) {
    this.items = items;
  }
}

/**
 * An object that Python would have made by a call of something that has no meaning here: its parts, and nothing that acts.
 *
 * @property callable  the class or function
 * @property args      its arguments
 * @property state     the value that BUILD gave it: attributes in a Map, or anything else
 * @property items     the values that were appended to it
 * @property entries   the values that were set in it by key
 */
export class PyObject {
  readonly callable: PyValue;
  readonly args: PyValue;
  state: PyValue | undefined;
  // Made when they are needed: a hostile pickle may have a million objects.
  private ownItems: PyValue[] | undefined;
  private ownEntries: Map<PyValue, PyValue> | undefined;

  constructor(callable: PyValue, args: PyValue) {
    this.callable = callable;
    this.args = args;
  }

  get items(): PyValue[] {
    return (this.ownItems ??= []);
  }

  get entries(): Map<PyValue, PyValue> {
    return (this.ownEntries ??= new Map());
  }

  /** Whether anything was set in it by key. */
  get hasEntries(): boolean {
    return this.ownEntries !== undefined && this.ownEntries.size > 0;
  }
}

/** A base of values that a reader of pickles adds, such as a tensor. */
export abstract class PyExtension {
  /** One word for it. */
  abstract readonly kind: string;
}

/** A value of a pickle: integers past 2⁵³ are bigint, dictionaries Maps, bytes Uint8Array. */
export type PyValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PyValue[]
  | PyTuple
  | Map<PyValue, PyValue>
  | Set<PyValue>
  | PyGlobal
  | PyObject
  | PyExtension;

/** The items of a list or tuple; undefined for anything else. */
export function itemsOf(value: PyValue | undefined): readonly PyValue[] | undefined {
  if (value instanceof PyTuple) return value.items;
  return Array.isArray(value) ? value : undefined;
}

/**
 * The entries of a dictionary, of an object that behaves like one, or of its attributes; undefined for anything else.
 *
 * @example entriesOf(namespace)?.get('model');
 */
export function entriesOf(value: PyValue | undefined): ReadonlyMap<PyValue, PyValue> | undefined {
  if (value instanceof Map) return value;
  if (!(value instanceof PyObject)) return undefined;
  if (value.hasEntries) return value.entries;
  if (value.state instanceof Map) return value.state;
  // An object with slots has the pair (attributes, slots).
  const [first, second] = itemsOf(value.state) ?? [];
  if (first instanceof Map && first.size > 0) return first;
  return second instanceof Map ? second : undefined;
}
