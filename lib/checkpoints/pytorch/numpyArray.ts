// Arrays of NumPy in a pickle: their bytes as a host tensor.

import { CheckpointError, show } from '../../core/errors.ts';
import { sizeOf } from '../../core/check.ts';
import { bitsPerElement, elementsOf, type HostTensor } from '../hostTensor.ts';
import { numpyDtype } from '../npy.ts';
import { PyGlobal, PyObject, itemsOf, type PyValue } from '../pickle/values.ts';

/** Whether a value is an array of NumPy: what `_reconstruct` made, with the state that BUILD gave it. */
export function isNumpyArray(value: PyValue): value is PyObject {
  return (
    value instanceof PyObject &&
    value.callable instanceof PyGlobal &&
    /^numpy\.(_?core\.multiarray\._reconstruct|_?core\.numeric\._frombuffer)$/.test(
      value.callable.path,
    ) &&
    (value.callable.name === '_frombuffer' || itemsOf(value.state)?.length === 5)
  );
}

/**
 * An array of NumPy as a host tensor.
 *
 * @param name  how errors call the array
 * @throws CheckpointError for an array of objects, of Fortran's order, or whose bytes do not fit its shape
 */
export function numpyArray(value: PyObject, name: string): HostTensor {
  const bad = (what: string, received: unknown): CheckpointError =>
    new CheckpointError(`Expected ${what} for array ${show(name)}, received ${show(received)}.`);
  const isBuffer = (value.callable as PyGlobal).name === '_frombuffer';
  // _frombuffer(bytes, dtype, shape, order), of protocol 5; the state is (version, shape, dtype, is Fortran, bytes).
  const [content, type, shape, order] = isBuffer
    ? (itemsOf(value.args) ?? [])
    : [4, 2, 1, 3].map((i) => itemsOf(value.state)?.[i]);
  const sizes = itemsOf(shape);
  if (sizes?.every((size) => Number.isSafeInteger(size) && (size as number) >= 0) !== true) {
    throw bad('a shape', 'another value');
  }
  const dtype = numpyDtype(dtypeText(type));
  if (dtype === undefined) throw bad('a dtype of numbers, little endian', dtypeText(type));
  const own = sizes.map(Number);
  if ((order === true || order === 'F') && own.length > 1) {
    throw bad("C's order", "Fortran's");
  }
  const bytes = bytesOf(content);
  if (bytes === undefined || bytes.length !== (sizeOf(own) * bitsPerElement(dtype)) / 8) {
    throw bad(`the bytes of ${dtype} ${show(own)}`, bytes?.length ?? 'no bytes');
  }
  return { dtype, shape: own, data: elementsOf(dtype, bytes) };
}

// dtype('f4', False, True) with the state (3, '<', …): the order of bytes, then kind and size.
function dtypeText(value: PyValue | undefined): string {
  if (!(value instanceof PyObject)) return '';
  const [kind] = itemsOf(value.args) ?? [];
  const [, order] = itemsOf(value.state) ?? [];
  return `${typeof order === 'string' ? order : '|'}${typeof kind === 'string' ? kind : ''}`;
}

// Bytes, or in protocol 2 a call of _codecs.encode with text of one byte a character.
function bytesOf(value: PyValue | undefined): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value;
  let text: PyValue | undefined = value;
  if (value instanceof PyObject && value.callable instanceof PyGlobal) {
    const [given, encoding] = itemsOf(value.args) ?? [];
    if (value.callable.path === '_codecs.encode' && encoding === 'latin1') text = given;
  }
  if (typeof text !== 'string') return undefined;
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code > 0xff) return undefined;
    bytes[i] = code;
  }
  return bytes;
}
