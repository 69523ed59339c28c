import { access, constants, mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { IoError, expected, messageOf } from '../core/errors.ts';

export { writeAtomically } from '../io/disk.ts';

/**
 * Makes sure that a file can be written, before the work whose result it takes; its folder is made if it is not there.
 *
 * @throws IoError naming the path
 */
export async function assertWritable(file: string): Promise<void> {
  const folder = path.dirname(path.resolve(file));
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
  } catch (error) {
    throw new IoError(expected('a folder that can be written', file, messageOf(error)));
  }
  const found = await stat(file).catch(() => undefined);
  if (found !== undefined && !found.isFile()) {
    throw new IoError(
      expected('the name of a file', 'the output', file, 'Something else is there.'),
    );
  }
}
