// An assembler of pickles: each function gives the bytes of a piece, as text with a character a byte.

/** Text as bytes, a character each. */
export function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Four bytes, little endian. */
export function uint32(value: number): string {
  return String.fromCharCode(value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24);
}

/** BINUNICODE. */
export function text(value: string): string {
  return `X${uint32(value.length)}${value}`;
}

/** GLOBAL. */
export function global(module: string, name: string): string {
  return `c${module}\n${name}\n`;
}

/** A tuple of pieces. */
export function tuple(...items: string[]): string {
  return `(${items.join('')}t`;
}

/** A call by REDUCE. */
export function call(module: string, name: string, ...args: string[]): string {
  return `${global(module, name)}${tuple(...args)}R`;
}

/** BININT. */
export function integer(value: number): string {
  return `J${uint32(value)}`;
}

/** A tensor of float32 over storage '0', as torch.save writes it. */
export function tensor(
  { shape = [2], stride = [1], offset = 0, size = 2, key = '0', type = 'FloatStorage' } = {},
  hooks = call('collections', 'OrderedDict'),
): string {
  const storage = `${tuple(text('storage'), global('torch', type), text(key), text('cpu'), integer(size))}Q`;
  const view = [integer(offset), tuple(...shape.map(integer)), tuple(...stride.map(integer))];
  return call('torch._utils', '_rebuild_tensor_v2', storage, ...view, '\x89', hooks);
}

/** A dictionary of protocol 2, whole: keys are texts. */
export function dictionary(entries: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(entries).map(([key, value]) => text(key) + value);
  return `\x80\x02}(${pairs.join('')}u.`;
}
