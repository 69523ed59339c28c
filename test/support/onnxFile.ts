// A small reader of ONNX files, independent of the writer: the wire format by the numbers of onnx.proto.

/** An attribute: integers, a float, or a list of integers. */
export type OnnxValue = number | number[];

/** A tensor that is stored in the file. */
export interface StoredTensor {
  type: number;
  dims: number[];
  data: number[];
}

/** A file of ONNX as plain data. */
export interface OnnxFile {
  irVersion: number;
  producer: string;
  opset: number;
  metadata: Map<string, string>;
  nodes: {
    op: string;
    name: string;
    inputs: string[];
    outputs: string[];
    attributes: Map<string, OnnxValue>;
  }[];
  initializers: Map<string, StoredTensor>;
  inputs: { name: string; type: number; dims: (number | string)[] }[];
  outputs: OnnxFile['inputs'];
}

type Field = bigint | Uint8Array;

// Every field of a message by its number, in their order.
function fields(bytes: Uint8Array): Map<number, Field[]> {
  const found = new Map<number, Field[]>();
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at]!;
      at += 1;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = Number(varint());
    let value: Field;
    if (key % 8 === 0) value = varint();
    else if (key % 8 === 2 || key % 8 === 5) {
      const length = key % 8 === 5 ? 4 : Number(varint());
      if (at + length > bytes.length)
        throw new Error(`field ${key >> 3} is longer than its message`);
      value = bytes.slice(at, at + length);
      at += length;
    } else throw new Error(`wire type ${key % 8}`);
    found.set(key >> 3, [...(found.get(key >> 3) ?? []), value]);
  }
  return found;
}

class Parts {
  private readonly found: Map<number, Field[]>;

  constructor(bytes: Uint8Array) {
    this.found = fields(bytes);
  }

  messages(field: number): Parts[] {
    return this.all(field).map((bytes) => new Parts(bytes as Uint8Array));
  }

  texts(field: number): string[] {
    return this.all(field).map((bytes) => new TextDecoder().decode(bytes as Uint8Array));
  }

  text(field: number): string {
    return this.texts(field)[0] ?? '';
  }

  integers(field: number): number[] {
    return this.all(field).map((value) => Number(BigInt.asIntN(64, value as bigint)));
  }

  bytes(field: number): Uint8Array {
    return (this.all(field)[0] as Uint8Array | undefined) ?? new Uint8Array(0);
  }

  private all(field: number): Field[] {
    return this.found.get(field) ?? [];
  }
}

function packed(bytes: Uint8Array): number[] {
  const out: number[] = [];
  let value = 0;
  let factor = 1;
  for (const byte of bytes) {
    value += (byte & 127) * factor;
    factor *= 128;
    if (byte >= 128) continue;
    out.push(value);
    [value, factor] = [0, 1];
  }
  return out;
}

function attribute(parts: Parts): [string, OnnxValue] {
  const name = parts.text(1);
  const [type] = parts.integers(20);
  if (type === 1) return [name, new DataView(parts.bytes(2).buffer).getFloat32(0, true)];
  if (type === 2) return [name, parts.integers(3)[0]!];
  if (type === 7) return [name, parts.integers(8)];
  throw new Error(`an attribute of type ${type}`);
}

function tensor(parts: Parts): [string, StoredTensor] {
  const [type = 0] = parts.integers(2);
  const { buffer } = parts.bytes(9);
  const data =
    type === 1
      ? Array.from(new Float32Array(buffer))
      : Array.from(new BigInt64Array(buffer), Number);
  return [parts.text(8), { type, dims: packed(parts.bytes(1)), data }];
}

function port(parts: Parts): OnnxFile['inputs'][number] {
  const [kind] = parts.messages(2)[0]!.messages(1);
  const dims = kind!.messages(2)[0]!.messages(1);
  return {
    name: parts.text(1),
    type: kind!.integers(1)[0]!,
    dims: dims.map((size) => size.integers(1)[0] ?? size.text(2)),
  };
}

/** Reads a file of ONNX. */
export function readOnnx(bytes: Uint8Array): OnnxFile {
  const file = new Parts(bytes);
  const [graph] = file.messages(7) as [Parts];
  return {
    irVersion: file.integers(1)[0]!,
    producer: file.text(2),
    opset: file.messages(8)[0]!.integers(2)[0]!,
    metadata: new Map(file.messages(14).map((pair) => [pair.text(1), pair.text(2)])),
    nodes: graph.messages(1).map((node) => ({
      inputs: node.texts(1),
      outputs: node.texts(2),
      name: node.text(3),
      op: node.text(4),
      attributes: new Map(node.messages(5).map(attribute)),
    })),
    initializers: new Map(graph.messages(5).map(tensor)),
    inputs: graph.messages(11).map(port),
    outputs: graph.messages(12).map(port),
  };
}
