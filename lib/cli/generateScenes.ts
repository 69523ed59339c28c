// A folder of scenes: pictures, and a line of JSON for each.

import path from 'node:path';
import { InputError, expected } from '../core/errors.ts';
import { scene } from '../data/scenes.ts';
import { contactSheet } from '../figures/contactSheet.ts';
import { makeFolder } from '../io/disk.ts';
import { encodePng } from '../io/encodePng.ts';
import { writeAtomically } from './outputFile.ts';
import type { SceneOptions } from '../data/scenes.ts';
import type { Terminal } from './command.ts';

/** Writes scenes `first` … as `images/000000.png` …, `annotations.jsonl` and a sheet of the first ones. @returns the exit code 0 */
export async function generateScenes(
  { output, count, ...options }: Required<SceneOptions> & { output: string; count: number },
  terminal: Terminal,
): Promise<number> {
  if (path.resolve(output) === path.resolve('.')) {
    throw new InputError(expected('a folder of its own', '--output', output));
  }
  await makeFolder(path.join(output, 'images'));
  const lines: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const { image, caption, objects } = scene(index, options);
    const file = `images/${String(index).padStart(6, '0')}.png`;
    await writeAtomically(path.join(output, file), encodePng(image));
    lines.push(
      JSON.stringify({ file, width: image.width, height: image.height, caption, objects }),
    );
  }
  await writeAtomically(path.join(output, 'annotations.jsonl'), `${lines.join('\n')}\n`);
  const tiles = Array.from({ length: Math.min(12, count) }, (_, index) => {
    const { image, caption } = scene(index, options);
    return { image, captions: [caption] };
  });
  const sheet = { tiles, columns: 4, side: 150, title: 'Scenes', subtitle: `seed ${options.seed}` };
  await writeAtomically(
    path.join(output, 'scenes.png'),
    await contactSheet({ ...sheet, scale: 2 }),
  );
  terminal.out(`Wrote ${count} scenes into ${path.resolve(output)}`);
  return 0;
}
