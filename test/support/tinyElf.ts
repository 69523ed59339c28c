// A shared library of a few hundred bytes, with only the parts that scripts/addonFile.mjs reads.

/** The headers of the library. `versions` are the symbol versions that it requires of its first library. */
export interface TinyElf {
  machine?: number;
  type?: number;
  libraries: readonly string[];
  versions?: readonly string[];
  entryPoint?: string;
}

const address = 0x4000; // of the file's first byte, when loaded

/** The bytes of an ELF file of 64 bits, little endian; `machine` 62 is x64, 183 arm64. */
export function tinyElf({
  machine = 62,
  type = 3,
  libraries,
  versions = [],
  entryPoint = 'napi_register_module_v1',
}: TinyElf): Buffer {
  const strings = ['', ...libraries, ...versions, entryPoint];
  const text = Buffer.from(strings.map((one) => `${one}\0`).join(''), 'latin1');
  const at = (one: string): number =>
    strings.slice(0, strings.indexOf(one)).reduce((sum, { length }) => sum + length + 1, 0);

  const need = Buffer.alloc(16 + 16 * versions.length);
  need.writeUInt16LE(1, 0);
  need.writeUInt16LE(versions.length, 2);
  need.writeUInt32LE(at(libraries[0]!), 4);
  need.writeUInt32LE(16, 8);
  versions.forEach((version, i) => {
    need.writeUInt32LE(at(version), 16 + 16 * i + 8);
    need.writeUInt32LE(i === versions.length - 1 ? 0 : 16, 16 + 16 * i + 12);
  });

  const dynamicAt = 64 + 2 * 56;
  const dynamicSize = 16 * (libraries.length + 4);
  const needAt = dynamicAt + dynamicSize;
  const textAt = needAt + need.length;
  const dynamic = words([
    ...libraries.flatMap((library) => [1, at(library)]),
    ...[5, address + textAt],
    ...(versions.length > 0 ? [0x6ffffffe, address + needAt, 0x6fffffff, 1] : [0, 0, 0, 0]),
    ...[0, 0],
  ]);
  const size = textAt + text.length;

  const header = Buffer.alloc(64);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(header);
  header.writeUInt16LE(type, 16);
  header.writeUInt16LE(machine, 18);
  header.writeBigUInt64LE(64n, 32);
  header.writeUInt16LE(2, 56);
  return Buffer.concat([
    header,
    segment(1, 0, size),
    segment(2, dynamicAt, dynamicSize),
    dynamic,
    need,
    text,
  ]);
}

function segment(type: number, offset: number, size: number): Buffer {
  return words([type, offset, address + offset, 0, size, size, 0]);
}

function words(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length);
  values.forEach((value, i) => bytes.writeBigUInt64LE(BigInt(value), 8 * i));
  return bytes;
}
