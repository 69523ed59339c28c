// Files of torch.save around any pickle: the zip archive, and the form of before 1.6.

import { writeZip } from '../../lib/checkpoints/zip/writeZip.ts';
import { bytesOf, text, uint32 } from './pickleBytes.ts';

const floats = new Uint8Array(Float32Array.of(1, 2).buffer);

/** A zip archive as torch.save makes it, with this pickle and one storage of two floats. */
export function archive(pickle: string, storage: Uint8Array = floats): Uint8Array {
  return writeZip(
    new Map([
      ['archive/data.pkl', bytesOf(pickle)],
      ['archive/byteorder', bytesOf('little')],
      ['archive/data/0', storage],
      ['archive/version', bytesOf('3\n')],
    ]),
  );
}

/** The old form: stacked pickles, then the storages. */
export function legacy(
  object: string,
  { facts = '\x80\x02}.', keys = `\x80\x02](${text('0')}e.` } = {},
): Uint8Array {
  const magic = '\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.';
  const start = bytesOf(`${magic}${facts}${object}${keys}${uint32(2)}${uint32(0)}`);
  return new Uint8Array([...start, ...floats]);
}
