// Writes a state dict as PyTorch's own file, which torch.load(weights_only=True) opens.

import { InputError, expected } from '../../core/errors.ts';
import { assertKind } from '../../core/kinds.ts';
import { opcodes as op } from '../pickle/opcodes.ts';
import { writeZip } from '../zip/writeZip.ts';
import type { Dtype, HostTensor } from '../hostTensor.ts';

const storages: Readonly<Partial<Record<Dtype, string>>> = {
  F64: 'DoubleStorage',
  F32: 'FloatStorage',
  F16: 'HalfStorage',
  BF16: 'BFloat16Storage',
  I64: 'LongStorage',
  I32: 'IntStorage',
  I16: 'ShortStorage',
  I8: 'CharStorage',
  U8: 'ByteStorage',
  BOOL: 'BoolStorage',
  C64: 'ComplexFloatStorage',
};

/**
 * A state dict as the bytes of a `.pth` file: a zip archive with a pickle of protocol 2 and a storage for each tensor.
 *
 * @param tensors  by name; each contiguous
 * @throws InputError for a dtype that has no storage class in PyTorch, naming the tensor, and for 4 GiB or more
 *
 * Source: torch/serialization.py, `_save`; torch/_tensor.py, `__reduce_ex__`.
 *
 * @example await writeFile('model.pth', formatTorch(modelTensors(model)));
 */
export function formatTorch(tensors: ReadonlyMap<string, HostTensor>): Uint8Array {
  assertKind('tensors', tensors, 'map');
  const pickle = new PickleWriter();
  const entries = new Map<string, Uint8Array>();
  // The pickle comes first; it is filled below.
  entries.set('archive/data.pkl', new Uint8Array(0));
  entries.set('archive/byteorder', new TextEncoder().encode('little'));
  pickle.byte(op.PROTO, 2, op.EMPTY_DICT, op.MARK);
  let key = 0;
  for (const [name, { dtype, shape, data }] of tensors) {
    const storage = storages[dtype];
    if (storage === undefined) {
      const remedy = 'Write a safetensors file instead.';
      throw new InputError(expected('a dtype of PyTorch before 2.3', name, dtype, remedy));
    }
    pickle.text(name);
    pickle.global('torch._utils', '_rebuild_tensor_v2');
    pickle.byte(op.MARK, op.MARK);
    pickle.text('storage');
    pickle.global('torch', storage);
    pickle.text(String(key));
    pickle.text('cpu');
    pickle.integer(shape.reduce((product, size) => product * size, 1));
    pickle.byte(op.TUPLE, op.BINPERSID);
    pickle.integer(0);
    pickle.integers(shape);
    pickle.integers(shape.map((_, i) => shape.slice(i + 1).reduce((p, size) => p * size, 1)));
    pickle.byte(op.NEWFALSE);
    pickle.global('collections', 'OrderedDict');
    pickle.byte(op.EMPTY_TUPLE, op.REDUCE, op.TUPLE, op.REDUCE);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    entries.set(`archive/data/${key}`, bytes);
    key += 1;
  }
  pickle.byte(op.SETITEMS, op.STOP);
  entries.set('archive/data.pkl', pickle.bytes());
  entries.set('archive/version', new TextEncoder().encode('3\n'));
  return writeZip(entries);
}

class PickleWriter {
  private readonly parts: number[] = [];

  byte(...bytes: number[]): void {
    this.parts.push(...bytes);
  }

  text(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.byte(op.BINUNICODE, ...uint32(bytes.length));
    for (const byte of bytes) this.parts.push(byte);
  }

  global(module: string, name: string): void {
    this.byte(op.GLOBAL, ...new TextEncoder().encode(`${module}\n${name}\n`));
  }

  // A storage may have more elements than 31 bits count.
  integer(value: number): void {
    if (value < 2 ** 31) this.byte(op.BININT, ...uint32(value));
    else this.byte(op.LONG1, 8, ...uint32(value % 2 ** 32), ...uint32(Math.floor(value / 2 ** 32)));
  }

  integers(values: readonly number[]): void {
    this.byte(op.MARK);
    for (const value of values) this.integer(value);
    this.byte(op.TUPLE);
  }

  bytes(): Uint8Array {
    return Uint8Array.from(this.parts);
  }
}

function uint32(value: number): number[] {
  return [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24];
}
