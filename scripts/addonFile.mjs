// Reads from a compiled addon its platform, its processor, and the libraries and the glibc that it needs. It parses ELF (System V
// gABI, 64 bits, little endian, with GNU's symbol versions) and the header of Mach-O; nothing is loaded, so the file may be of
// any machine.

const elfProcessors = { 62: 'x64', 183: 'arm64' };
const machProcessors = { 0x01000007: 'x64', 0x0100000c: 'arm64' };
const entryPoint = 'napi_register_module_v1';

/**
 * Reads the bytes of an addon.
 *
 * `libc` is glibc, musl or undefined; `libraries` are those it asks the loader for; `glibc` is the newest version it uses.
 *
 * Throws an Error whose message is a clause, such as "it is cut short".
 */
export function readAddon(bytes) {
  try {
    const read = [readElf, readMachO, readFatMachO].find((one) => one.fits(bytes));
    if (!read) throw new Error('it is neither ELF (64 bits, little endian) nor Mach-O');
    const about = read.of(bytes);
    if (!bytes.includes(entryPoint))
      throw new Error(`it is no addon of Node (${entryPoint} is missing)`);
    return about;
  } catch (error) {
    if (error.name === 'RangeError') throw new Error('it is cut short', { cause: error });
    throw error;
  }
}

const readElf = {
  fits: (bytes) => bytes.subarray(0, 6).equals(Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1])),
  of(bytes) {
    if (bytes.readUInt16LE(16) !== 3) throw new Error('it is an ELF file, but no shared library');
    const machine = bytes.readUInt16LE(18);
    const segments = table(bytes, offset(bytes, 32), bytes.readUInt16LE(56), 56).map((at) => ({
      type: bytes.readUInt32LE(at),
      start: offset(bytes, at + 8),
      address: offset(bytes, at + 16),
      size: offset(bytes, at + 32),
    }));
    // The section table lies at the end of the file.
    const sections = [offset(bytes, 40), bytes.readUInt16LE(60) * bytes.readUInt16LE(58)];
    for (const [start, size] of [sections, ...segments.map((one) => [one.start, one.size])])
      if (start + size > bytes.length) throw new RangeError('past the end');
    return {
      os: 'linux',
      cpus: [elfProcessors[machine] ?? `ELF machine ${machine}`],
      ...dependencies(bytes, segments),
    };
  },
};

// DT_NEEDED, and the versions of DT_VERNEED: the dynamic loader looks for these.
function dependencies(bytes, segments) {
  const dynamic = segments.find(({ type }) => type === 2);
  if (!dynamic) throw new Error('it is an ELF file without a dynamic section');
  const entries = table(bytes, dynamic.start, Math.floor(dynamic.size / 16), 16).map((at) => ({
    tag: offset(bytes, at),
    value: offset(bytes, at + 8),
  }));
  const valueOf = (wanted) => entries.find(({ tag }) => tag === wanted)?.value;
  const inFile = (address) => {
    const holds = (one) => one.type === 1 && address - one.address < one.size;
    const segment = segments.find((one) => address >= one.address && holds(one));
    if (!segment) throw new Error('it is an ELF file whose dynamic section leads nowhere');
    return address - segment.address + segment.start;
  };
  const strings = inFile(valueOf(5));
  const text = (at) => bytes.toString('latin1', strings + at, bytes.indexOf(0, strings + at));
  const libraries = entries.filter(({ tag }) => tag === 1).map(({ value }) => text(value));
  const versions = [];
  const needs = valueOf(0x6ffffffe);
  for (const need of needs === undefined ? [] : chain(bytes, inFile(needs))) {
    for (const version of chain(bytes, need + bytes.readUInt32LE(need + 8)))
      versions.push(text(bytes.readUInt32LE(version + 8)));
  }
  const glibc = versions
    .flatMap((name) => /^GLIBC_(\d+(?:\.\d+)+)$/.exec(name)?.[1] ?? [])
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1);
  return { libraries, libc: libcOf(libraries), glibc };
}

// Records of 16 bytes whose last word is the distance to the next, or 0.
function* chain(bytes, start) {
  for (let at = start, next = -1; next !== 0; at += next) {
    yield at;
    next = bytes.readUInt32LE(at + 12);
  }
}

function libcOf(libraries) {
  if (libraries.some((name) => /^libc\.so\.6/.test(name))) return 'glibc';
  return libraries.some((name) => /^libc\.(musl-|so$)/.test(name)) ? 'musl' : undefined;
}

// The libraries of a Mach-O file are left to macOS, whose C++ library is part of the system.
const readMachO = {
  fits: (bytes) => bytes.length >= 4 && bytes.readUInt32LE(0) === 0xfeedfacf,
  of: (bytes) => ({ os: 'darwin', cpus: [machProcessor(bytes.readUInt32LE(4))], libraries: [] }),
};

const readFatMachO = {
  fits: (bytes) => bytes.length >= 4 && bytes.readUInt32BE(0) === 0xcafebabe,
  of(bytes) {
    const slices = table(bytes, 8, bytes.readUInt32BE(4), 20);
    for (const at of slices)
      if (bytes.readUInt32BE(at + 8) + bytes.readUInt32BE(at + 12) > bytes.length)
        throw new RangeError('past the end');
    const cpus = slices.map((at) => machProcessor(bytes.readUInt32BE(at)));
    return { os: 'darwin', cpus, libraries: [] };
  },
};

const machProcessor = (type) => machProcessors[type] ?? `Mach-O processor ${type}`;

function table(bytes, start, count, size) {
  if (start + count * size > bytes.length) throw new RangeError('past the end');
  return Array.from({ length: count }, (_, i) => start + i * size);
}

function offset(bytes, at) {
  return Number(bytes.readBigUInt64LE(at));
}
