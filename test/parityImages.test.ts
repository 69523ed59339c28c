import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeImage } from '../lib/core/image.ts';
import { encodePng } from '../lib/io/encodePng.ts';
import { compareImages } from '../lib/parity/compareImages.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'parity-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function stored(name: string, image: Parameters<typeof encodePng>[0]): string {
  const file = path.join(folder, name);
  writeFileSync(file, encodePng(image));
  return file;
}

test('a picture agrees within its levels, and by its size', async () => {
  const data = Uint8Array.from({ length: 36 }, (_, i) => 7 * i);
  const image = makeImage(4, 3, 3, data);
  const file = stored('a.png', image);
  expect(await compareImages(image, file, 0)).toMatchObject({ ok: true, maxAbs: 0 });
  const changed = makeImage(
    4,
    3,
    3,
    data.map((value, i) => (i === 17 ? value + 2 : value)),
  );
  expect(await compareImages(changed, file, 1)).toMatchObject({
    ok: false,
    maxAbs: 2,
    detail: '[1, 1, 2] is 121, not 119',
  });
  expect((await compareImages(changed, file, 2)).ok).toBe(true);
  expect((await compareImages(makeImage(3, 4, 3, data), file, 255)).ok).toBe(false);
});

test('a grey picture is compared as RGB', async () => {
  const grey = makeImage(2, 2, 1, Uint8Array.of(0, 100, 200, 255));
  expect((await compareImages(grey, stored('grey.png', grey), 0)).ok).toBe(true);
});
