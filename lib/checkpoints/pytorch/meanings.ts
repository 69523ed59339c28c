// The few names in PyTorch's pickles that have a meaning: they rebuild tensors, storages and dictionaries.

import { CheckpointError, show } from '../../core/errors.ts';
import type { Dtype } from '../hostTensor.ts';
import type { PickleMeanings } from '../pickle/readPickle.ts';
import { PyGlobal, PyObject, PyTuple, itemsOf, type PyValue } from '../pickle/values.ts';
import { OtherTensor, StorageNode, TensorNode } from './storage.ts';

const ofStorage: Readonly<Record<string, Dtype | undefined>> = {
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
  ComplexFloatStorage: 'C64',
  UntypedStorage: undefined,
};

const ofDtype: Readonly<Record<string, Dtype>> = {
  float64: 'F64',
  double: 'F64',
  float32: 'F32',
  float: 'F32',
  float16: 'F16',
  half: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  long: 'I64',
  int32: 'I32',
  int: 'I32',
  int16: 'I16',
  short: 'I16',
  int8: 'I8',
  uint64: 'U64',
  uint32: 'U32',
  uint16: 'U16',
  uint8: 'U8',
  bool: 'BOOL',
  complex64: 'C64',
  float8_e4m3fn: 'F8_E4M3',
  float8_e5m2: 'F8_E5M2',
  float8_e4m3fnuz: 'F8_E4M3FNUZ',
  float8_e5m2fnuz: 'F8_E5M2FNUZ',
  float8_e8m0fnu: 'F8_E8M0',
};

type Rebuild = (args: readonly PyValue[]) => PyValue | undefined;

/**
 * The meanings of names in a pickle of PyTorch.
 *
 * @param file      how errors call the file
 * @param storages  takes every storage that is referred to, by key; one key means one storage
 */
export function torchMeanings(file: string, storages: Map<string, StorageNode>): PickleMeanings {
  const rebuild = new Map<string, Rebuild>([
    ['torch._utils._rebuild_tensor_v2', tensor],
    ['torch._utils._rebuild_tensor', tensor],
    ['torch._utils._rebuild_tensor_v3', typedTensor],
    ['torch._utils._rebuild_parameter', first],
    ['torch._utils._rebuild_parameter_with_state', first],
    ['torch._utils._rebuild_device_tensor_from_cpu_tensor', first],
    ['torch._tensor._rebuild_from_type_v2', fromType],
    ['torch.tensor._rebuild_from_type_v2', fromType],
    ['torch.nn.parameter.Parameter', first],
    ['torch.nn.Parameter', first],
    ['torch._utils._rebuild_qtensor', () => new OtherTensor('a quantized tensor')],
    ['torch._utils._rebuild_sparse_tensor', () => new OtherTensor('a sparse tensor')],
    ['torch._utils._rebuild_sparse_csr_tensor', () => new OtherTensor('a sparse tensor')],
    ['torch._utils._rebuild_nested_tensor', () => new OtherTensor('a nested tensor')],
    ['torch._utils._rebuild_meta_tensor_no_storage', () => new OtherTensor('a tensor without data')],
    ['torch._utils._rebuild_wrapper_subclass', () => new OtherTensor('a tensor of a wrapper')],
    ['torch.Size', (args) => new PyTuple(itemsOf(args[0]) ?? [])],
    ...['collections.OrderedDict', 'builtins.dict', '__builtin__.dict', 'collections.defaultdict'].map(
      (path): [string, Rebuild] => [path, dictionary],
    ),
    ...['torch', 'torch.storage', 'torch.cuda'].flatMap((module) =>
      Object.keys(ofStorage).map((name): [string, Rebuild] => [`${module}.${name}`, nothing]),
    ),
    ...Object.keys(ofDtype).map((name): [string, Rebuild] => [`torch.${name}`, nothing]),
    ['torch.storage.TypedStorage', nothing],
    ['torch.device', nothing],
  ]);
  const persistent = (id: PyValue): PyValue => {
    const storage = storageOf(id, file);
    if (storage instanceof OtherTensor) return storage;
    const known = storages.get(storage.key);
    if (known === undefined) storages.set(storage.key, storage);
    else if (known.dtype !== storage.dtype && known.byteLength !== storage.byteLength) {
      throw new CheckpointError(
        `Expected one size for storage ${show(storage.key)} of ${show(file)}, received two.`,
      );
    }
    return storage;
  };
  return { rebuild, persistent };
}

// A name that is known and makes nothing by a call.
function nothing(): undefined {
  return undefined;
}

function first(args: readonly PyValue[]): PyValue | undefined {
  const [value] = args;
  return value instanceof TensorNode || value instanceof OtherTensor ? value : undefined;
}

// (function, type, arguments, state): a subclass of Tensor.
function fromType(args: readonly PyValue[]): PyValue | undefined {
  const [rebuilder, , inner] = args;
  if (!(rebuilder instanceof PyGlobal)) return undefined;
  if (!/^_rebuild_tensor(_v2|_v3)?$/.test(rebuilder.name)) return undefined;
  const own = itemsOf(inner) ?? [];
  return rebuilder.name.endsWith('_v3') ? typedTensor(own) : tensor(own);
}

function dictionary(args: readonly PyValue[]): PyValue | undefined {
  const [given] = args.slice(-1);
  const made = new Map<PyValue, PyValue>(given instanceof Map ? given : []);
  for (const pair of itemsOf(given) ?? []) {
    const [key, value, ...more] = itemsOf(pair) ?? [];
    if (key === undefined || value === undefined || more.length > 0) return undefined;
    made.set(key, value);
  }
  return made;
}

function tensor(args: readonly PyValue[]): PyValue | undefined {
  const [storage, offset, shape, stride] = args;
  if (storage instanceof OtherTensor) return storage;
  if (!(storage instanceof StorageNode) || storage.dtype === undefined) return undefined;
  return viewOf(storage, storage.dtype, [offset, shape, stride]);
}

// The form with a dtype of its own: over bytes, for the dtypes that have no storage class.
function typedTensor(args: readonly PyValue[]): PyValue | undefined {
  const [storage, offset, shape, stride, , , dtype] = args;
  const named = dtype instanceof PyGlobal && dtype.module === 'torch' ? dtype.name : '';
  if (!(storage instanceof StorageNode)) return undefined;
  if (!Object.hasOwn(ofDtype, named)) return new OtherTensor(`a tensor of dtype ${named}`);
  return viewOf(storage, ofDtype[named]!, [offset, shape, stride]);
}

function viewOf(
  storage: StorageNode,
  dtype: Dtype,
  [offset, shape, stride]: (PyValue | undefined)[],
): PyValue | undefined {
  const [sizes, strides] = [numbersOf(shape), numbersOf(stride)];
  if (sizes === undefined || strides === undefined || typeof offset !== 'number') return undefined;
  return new TensorNode(storage, dtype, { offset, shape: sizes, stride: strides });
}

function numbersOf(value: PyValue | undefined): number[] | undefined {
  const items = itemsOf(value);
  return items?.every((item) => typeof item === 'number') === true
    ? (items as number[])
    : undefined;
}

// ('storage', class, key, device, number of elements[, view]); the view of files before 1.6 is (key, offset, number).
function storageOf(id: PyValue, file: string): StorageNode | OtherTensor {
  const [word, type, key, , size, view] = itemsOf(id) ?? [];
  const bad = (what: string, received: unknown): CheckpointError =>
    new CheckpointError(`Expected ${what} in ${show(file)}, received ${show(received)}.`);
  const named = type instanceof PyGlobal ? type.name : '';
  if (word !== 'storage' || (typeof key !== 'string' && typeof key !== 'number')) {
    throw bad('a reference to a storage', word);
  }
  // Such a tensor is no weight, or is refused when it is taken for one.
  if (!Object.hasOwn(ofStorage, named)) return new OtherTensor(`one over a ${named || 'storage'}`);
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw bad('the size of a storage', size);
  }
  const [, start = 0] = itemsOf(view) ?? [];
  if (typeof start !== 'number' || !Number.isSafeInteger(start) || start < 0) {
    throw bad('the place of a storage', start);
  }
  return new StorageNode(String(key), ofStorage[named], size, start);
}

/** Whether a value is a module of PyTorch that was saved whole, with its class: its attributes hold parameters. */
export function isModule(value: PyValue): value is PyObject {
  return value instanceof PyObject && value.state instanceof Map && value.state.has('_parameters');
}
