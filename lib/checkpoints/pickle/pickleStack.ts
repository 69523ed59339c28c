// The stack, the marks and the memo that a pickle builds its values with.

import type { PickleCursor } from './pickleCursor.ts';
import { PyObject, type PyValue } from './values.ts';

/** The limits of one pickle. A checkpoint of ViT-B with its optimizer has some ten thousand opcodes. */
export interface PickleLimits {
  opcodes: number;
  memo: number;
  stack: number;
}

/** A stack of values with marks, and a memo by number. Each method throws as the cursor does where the pickle is broken. */
export class PickleStack {
  private readonly cursor: PickleCursor;
  private readonly limits: PickleLimits;
  private readonly values: PyValue[] = [];
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, PyValue>();

  constructor(cursor: PickleCursor, limits: PickleLimits) {
    this.cursor = cursor;
    this.limits = limits;
  }

  push(value: PyValue): true {
    const { stack: most } = this.limits;
    if (this.values.length >= most) this.cursor.fail(`at most ${most} values`, 'more');
    this.values.push(value);
    return true;
  }

  top(): PyValue {
    const value = this.values.at(-1);
    if (value === undefined || this.values.length <= this.floor) {
      this.cursor.fail('a value on the stack', 'none');
    }
    return value;
  }

  pop(): PyValue {
    const value = this.top();
    this.values.pop();
    return value;
  }

  popMany(count: number): PyValue[] {
    if (this.values.length - this.floor < count) {
      this.cursor.fail(`${count} values on the stack`, 'fewer');
    }
    return this.values.splice(this.values.length - count, count);
  }

  mark(): true {
    const { stack: most } = this.limits;
    if (this.marks.length >= most) this.cursor.fail(`at most ${most} marks`, 'more');
    this.marks.push(this.values.length);
    return true;
  }

  /** The values above the last mark, which goes too. */
  popMark(): PyValue[] {
    const mark = this.marks.pop();
    if (mark === undefined) this.cursor.fail('a mark on the stack', 'none');
    return this.values.splice(mark);
  }

  /** Takes a value away, or the last mark where there is none above it. */
  drop(): true {
    if (this.marks.at(-1) === this.values.length) this.marks.pop();
    else this.pop();
    return true;
  }

  put(index: number): true {
    const { memo: most } = this.limits;
    if (this.memo.size >= most) this.cursor.fail(`at most ${most} values in the memo`, 'more');
    this.memo.set(index, this.top());
    return true;
  }

  /** Puts the top value under the next number. */
  memoize(): true {
    return this.put(this.memo.size);
  }

  get(index: number): true {
    const value = this.memo.get(index);
    if (value === undefined) this.cursor.fail('a value of the memo', `${index}, which it has not`);
    return this.push(value);
  }

  append(target: PyValue, items: readonly PyValue[]): true {
    if (Array.isArray(target)) for (const item of items) target.push(item);
    else if (target instanceof Set) for (const item of items) target.add(item);
    else if (target instanceof PyObject) for (const item of items) target.items.push(item);
    else this.cursor.fail('a list to append to', 'another value');
    return true;
  }

  setItems(target: PyValue, pairs: readonly PyValue[]): true {
    if (pairs.length % 2 !== 0) this.cursor.fail('keys and values', 'a key without a value');
    const entries = target instanceof PyObject ? target.entries : target;
    if (!(entries instanceof Map)) this.cursor.fail('a dictionary', 'another value');
    for (let i = 0; i < pairs.length; i += 2) entries.set(pairs[i]!, pairs[i + 1]!);
    return true;
  }

  // The number of values below the last mark.
  private get floor(): number {
    return this.marks.at(-1) ?? 0;
  }
}
