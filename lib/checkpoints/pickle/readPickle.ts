// Reads a Python pickle as plain data and executes nothing: a closed list of opcodes on a stack of values.

import { CheckpointError, show } from '../../core/errors.ts';
import { isHostile } from './hostileGlobals.ts';
import { opcodes as op } from './opcodes.ts';
import { PickleCursor } from './pickleCursor.ts';
import { PickleStack, type PickleLimits } from './pickleStack.ts';
import { PyGlobal, PyObject, PyTuple, itemsOf, type PyValue } from './values.ts';

const usualLimits: PickleLimits = { opcodes: 2_000_000, memo: 500_000, stack: 500_000 };

/**
 * The meaning that some names have; every other stays a name.
 *
 * @property rebuild     by the path of a global: the value that it makes of its arguments, undefined to leave it a `PyObject`
 * @property persistent  the value of a persistent id, such as a storage of PyTorch; without it such an id is refused
 */
export interface PickleMeanings {
  rebuild: ReadonlyMap<string, (args: readonly PyValue[]) => PyValue | undefined>;
  persistent?: (id: PyValue) => PyValue;
}

/**
 * A pickle that was read.
 *
 * @property end      the first byte behind it
 * @property globals  the paths of the globals that have no meaning here, in the order in which they appear
 * @property hostile  those among them that an attack would name
 */
export interface ReadPickle {
  value: PyValue;
  end: number;
  globals: Set<string>;
  hostile: Set<string>;
}

/**
 * Reads one pickle of protocol 0 to 5.
 *
 * Nothing is imported, called or set: a class that the pickle names becomes a `PyGlobal`, a call of it a `PyObject` with its arguments,
 * unless `meanings` knows it. Depth costs nothing, because values are built on a stack. Time and memory are linear in the bytes.
 *
 * @param name      how errors call the file
 * @param start     the first byte of the pickle
 * @throws CheckpointError naming the file and the position
 *
 * Source: CPython, Lib/pickletools.py and Lib/pickle.py.
 *
 * @example readPickle(bytes, 'x.pth', {rebuild: new Map([['collections.OrderedDict', () => new Map()]])}).value;
 */
export function readPickle(
  bytes: Uint8Array,
  name: string,
  meanings: PickleMeanings,
  { start = 0, limits = usualLimits }: { start?: number; limits?: PickleLimits } = {},
): ReadPickle {
  const machine = new PickleMachine(new PickleCursor(bytes, name, start), meanings, limits);
  return machine.run();
}

class PickleMachine {
  private readonly cursor: PickleCursor;
  private readonly meanings: PickleMeanings;
  private readonly limits: PickleLimits;
  private readonly stack: PickleStack;
  private readonly globals = new Set<string>();
  private readonly hostile = new Set<string>();

  constructor(cursor: PickleCursor, meanings: PickleMeanings, limits: PickleLimits) {
    this.cursor = cursor;
    this.meanings = meanings;
    this.limits = limits;
    this.stack = new PickleStack(cursor, limits);
  }

  run(): ReadPickle {
    const { cursor, limits } = this;
    for (let count = 0; ; count += 1) {
      if (count >= limits.opcodes) cursor.fail(`at most ${limits.opcodes} opcodes`, 'more');
      const code = cursor.uint8();
      if (code === op.STOP) break;
      this.step(code);
    }
    const value = this.stack.pop();
    return { value, end: cursor.at, globals: this.globals, hostile: this.hostile };
  }

  private step(code: number): void {
    if (this.constant(code) || this.text(code) || this.container(code) || this.memory(code)) return;
    if (this.object(code)) return;
    this.cursor.at -= 1;
    this.cursor.fail('an opcode of pickle', `0x${code.toString(16).padStart(2, '0')}`);
  }

  // Numbers and what stands for itself.
  private constant(code: number): boolean {
    const { cursor, stack } = this;
    switch (code) {
      case op.NONE:
        return stack.push(null);
      case op.NEWTRUE:
        return stack.push(true);
      case op.NEWFALSE:
        return stack.push(false);
      case op.BININT:
        return stack.push(cursor.int32());
      case op.BININT1:
        return stack.push(cursor.uint8());
      case op.BININT2:
        return stack.push(cursor.uint16());
      case op.INT: {
        // `I01` and `I00` are the truth values of protocol 0.
        const start = cursor.at;
        const text = cursor.line();
        if (text === '01' || text === '00') return stack.push(text === '01');
        cursor.at = start;
        return stack.push(cursor.decimal());
      }
      case op.LONG:
        return stack.push(cursor.decimal());
      case op.LONG1:
        return stack.push(cursor.integer(cursor.uint8()));
      case op.LONG4:
        return stack.push(cursor.integer(cursor.uint32()));
      case op.BINFLOAT:
        return stack.push(cursor.float64());
      case op.FLOAT: {
        const text = cursor.line().trim();
        const number = /^[+-]?(inf|nan)$/i.test(text)
          ? Number(text.replace(/nan/i, 'NaN').replace(/inf/i, 'Infinity').replace('+', ''))
          : Number(text);
        if (text === '' || (Number.isNaN(number) && !/nan/i.test(text))) {
          cursor.fail('a number', show(text));
        }
        return stack.push(number);
      }
      case op.PROTO: {
        const protocol = cursor.uint8();
        if (protocol > 5) cursor.fail('protocol 0 to 5', `${protocol}`);
        return true;
      }
      case op.FRAME:
        // Frames only say how much to read at once.
        void cursor.uint64();
        return true;
      default:
        return false;
    }
  }

  private text(code: number): boolean {
    const { cursor, stack } = this;
    switch (code) {
      case op.BINUNICODE:
        return stack.push(cursor.text(cursor.uint32()));
      case op.SHORT_BINUNICODE:
        return stack.push(cursor.text(cursor.uint8()));
      case op.BINUNICODE8:
        return stack.push(cursor.text(cursor.uint64()));
      case op.UNICODE:
        return stack.push(cursor.rawUnicode());
      case op.STRING:
        return stack.push(cursor.quoted());
      case op.BINSTRING:
        return stack.push(cursor.latin1(cursor.uint32()));
      case op.SHORT_BINSTRING:
        return stack.push(cursor.latin1(cursor.uint8()));
      case op.BINBYTES:
        return stack.push(cursor.take(cursor.uint32()));
      case op.SHORT_BINBYTES:
        return stack.push(cursor.take(cursor.uint8()));
      case op.BINBYTES8:
      case op.BYTEARRAY8:
        return stack.push(cursor.take(cursor.uint64()));
      default:
        return false;
    }
  }

  private container(code: number): boolean {
    const { stack } = this;
    switch (code) {
      case op.EMPTY_TUPLE:
        return stack.push(new PyTuple([]));
      case op.TUPLE:
        return stack.push(new PyTuple(stack.popMark()));
      case op.TUPLE1:
      case op.TUPLE2:
      case op.TUPLE3:
        return stack.push(new PyTuple(stack.popMany(code - op.TUPLE1 + 1)));
      case op.EMPTY_LIST:
        return stack.push([]);
      case op.LIST:
        return stack.push(stack.popMark());
      case op.EMPTY_DICT:
        return stack.push(new Map());
      case op.DICT: {
        const made = new Map<PyValue, PyValue>();
        stack.setItems(made, stack.popMark());
        return stack.push(made);
      }
      case op.EMPTY_SET:
        return stack.push(new Set());
      case op.FROZENSET:
        return stack.push(new Set(stack.popMark()));
      case op.APPEND: {
        const item = stack.pop();
        return stack.append(stack.top(), [item]);
      }
      case op.APPENDS:
      case op.ADDITEMS: {
        const items = stack.popMark();
        return stack.append(stack.top(), items);
      }
      case op.SETITEM: {
        const pair = stack.popMany(2);
        return stack.setItems(stack.top(), pair);
      }
      case op.SETITEMS: {
        const pairs = stack.popMark();
        return stack.setItems(stack.top(), pairs);
      }
      default:
        return false;
    }
  }

  private memory(code: number): boolean {
    const { cursor, stack } = this;
    switch (code) {
      case op.MARK:
        return stack.mark();
      case op.POP:
        return stack.drop();
      case op.POP_MARK:
        stack.popMark();
        return true;
      case op.DUP:
        return stack.push(stack.top());
      case op.PUT:
        return stack.put(Number(cursor.decimal()));
      case op.BINPUT:
        return stack.put(cursor.uint8());
      case op.LONG_BINPUT:
        return stack.put(cursor.uint32());
      case op.MEMOIZE:
        return stack.memoize();
      case op.GET:
        return stack.get(Number(cursor.decimal()));
      case op.BINGET:
        return stack.get(cursor.uint8());
      case op.LONG_BINGET:
        return stack.get(cursor.uint32());
      default:
        return false;
    }
  }

  // Calls and classes, which Python would import and run.
  private object(code: number): boolean {
    const { cursor, stack } = this;
    switch (code) {
      case op.GLOBAL:
        return stack.push(this.global(cursor.line(), cursor.line()));
      case op.STACK_GLOBAL: {
        const [module, name] = stack.popMany(2);
        if (typeof module !== 'string' || typeof name !== 'string') {
          return cursor.fail('a module and a name', 'something else');
        }
        return stack.push(this.global(module, name));
      }
      case op.EXT1:
      case op.EXT2:
      case op.EXT4: {
        const number =
          code === op.EXT1
            ? cursor.uint8()
            : code === op.EXT2
              ? cursor.uint16()
              : cursor.uint32();
        return stack.push(this.global('copyreg', `extension ${number}`));
      }
      case op.PERSID:
        return stack.push(this.persistent(cursor.line()));
      case op.BINPERSID:
        return stack.push(this.persistent(stack.pop()));
      case op.REDUCE:
      case op.NEWOBJ: {
        const [callable, args] = stack.popMany(2) as [PyValue, PyValue];
        return stack.push(this.made(callable, args));
      }
      case op.NEWOBJ_EX: {
        const [callable, args] = stack.popMany(3) as [PyValue, PyValue];
        return stack.push(this.made(callable, args));
      }
      case op.INST: {
        const callable = this.global(cursor.line(), cursor.line());
        return stack.push(this.made(callable, new PyTuple(stack.popMark())));
      }
      case op.OBJ: {
        const [callable, ...args] = stack.popMark();
        if (callable === undefined) return cursor.fail('a class', 'nothing');
        return stack.push(this.made(callable, new PyTuple(args)));
      }
      case op.BUILD: {
        const state = stack.pop();
        const target = stack.top();
        if (target instanceof PyObject) target.state = state;
        // The attributes of a dictionary or a tensor change none of its values.
        return true;
      }
      default:
        return false;
    }
  }

  private global(module: string, name: string): PyGlobal {
    const found = new PyGlobal(module, name);
    const { path } = found;
    if (this.meanings.rebuild.has(path)) return found;
    if (this.globals.size < 10_000) this.globals.add(path);
    if (isHostile(found)) this.hostile.add(path);
    return found;
  }

  // getattr is how protocols before 4 name a class inside a class; elsewhere it is part of an attack.
  private attribute(args: PyValue): PyValue | undefined {
    const [owner, name] = itemsOf(args) ?? [];
    const plain = typeof name === 'string' && /^([A-Za-z]\w*|__new__)$/.test(name);
    if (owner instanceof PyGlobal && plain) return this.global(owner.module, `${owner.name}.${name}`);
    this.hostile.add('builtins.getattr');
    return undefined;
  }

  private made(callable: PyValue, args: PyValue): PyValue {
    if (callable instanceof PyGlobal) {
      const { path } = callable;
      const own = this.meanings.rebuild.get(path)?.(itemsOf(args) ?? []);
      if (own !== undefined) return own;
      if (/^(builtins|__builtin__)\.getattr$/.test(path)) {
        const found = this.attribute(args);
        if (found !== undefined) return found;
      }
    }
    return new PyObject(callable, args);
  }

  private persistent(id: PyValue): PyValue {
    if (this.meanings.persistent === undefined) {
      this.cursor.fail('no persistent id', 'one');
    }
    return this.meanings.persistent(id);
  }
}

/** Throws if a pickle names what only an attack would. @throws CheckpointError naming the file and the globals */
export function assertNotHostile({ hostile }: ReadPickle, name: string): void {
  const [first] = hostile;
  if (first === undefined) return;
  const more = hostile.size > 1 ? ` and ${hostile.size - 1} more` : '';
  const remedy = 'Nothing of it was run. Get the weights from a source that you trust.';
  const received = `a pickle that names ${first}${more}`;
  throw new CheckpointError(
    `Expected weights and no program as ${show(name)}, received ${received}. ${remedy}`,
  );
}
