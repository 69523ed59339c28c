// F07–F11, F13–F16, F18, I16-23 … I16-25, I16-27, I16-36: disks that are full, forbidden, slow or lie, and files that were changed.

import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import * as promises from 'node:fs/promises';
import { join } from 'node:path';
import { readBytes, writeAtomically } from '../../lib/io/disk.ts';
import { diskWith, systemError } from '../support/failingDisk.ts';
import { assertRefused, seenOf } from '../suites/expect.ts';
import { vit } from '../suites/command.ts';
import { digit, tinyRun, training } from '../suites/fixtures.ts';
import { assertThrows } from '../suites/inProcess.ts';
import { longTraining, soundRun, stoppedRun } from '../suites/runs.ts';
import { Skipped, applied, cases, must } from '../suites/row.ts';
import type { Disk } from '../../lib/io/disk.ts';
import type { Place } from '../suites/place.ts';
import type { AppliedRow, Row } from '../suites/row.ts';

/** A disk in memory of that size in the place; unmounted with it. */
function smallDisk(place: Place, size: string, options = ''): string {
  const folder = place.path('disk');
  fs.mkdirSync(folder);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}${options}`, 'tmpfs', folder], {
      stdio: 'ignore',
    });
  } catch {
    throw new Skipped('mount needs root');
  }
  place.onRemove(() => execFileSync('umount', ['-l', folder], { stdio: 'ignore' }));
  return folder;
}

const into = (words: readonly string[], folder: string): string[] => [
  ...words.slice(0, -1),
  folder,
];
const temporaries = (folder: string): string[] =>
  fs.readdirSync(folder).filter((name) => name.startsWith('.'));

/** A write on a disk that fails in this way has to end so. */
const failingWrite =
  (
    what: string,
    expected: string,
    disk: (place: Place) => Disk,
    check: (place: Place, disk: Disk) => Promise<string>,
  ) =>
  (id: string): AppliedRow =>
    applied(id, what, expected, (place) => check(place, disk(place)));
const failsWith = (code: string): Disk =>
  diskWith(() => ({ write: (() => Promise.reject(systemError(code))) as never }));
const keepsOld = async (place: Place, disk: Disk): Promise<string> => {
  place.put('x', 'old');
  const message = await assertThrows(
    () => writeAtomically(place.path('x'), new Uint8Array(1000), disk),
    /x".*1000 bytes/,
  );
  must(fs.readFileSync(place.path('x'), 'utf8') === 'old', 'the old file is gone');
  must(fs.readdirSync(place.folder).length === 1, fs.readdirSync(place.folder).join(', '));
  return message;
};

/** The rows on disks. */
export const diskRows: readonly Row[] = [
  ...cases('F07', [
    (id) =>
      applied(
        id,
        'a disk of 100 KB',
        'exit 2, the path and bytes named, no temporary file',
        async (place) => {
          const disk = smallDisk(place, '100k');
          const ran = await vit(
            into(
              training(place, {
                change: {
                  epochs: 2,
                  model: {
                    imageSize: 28,
                    patchSize: 14,
                    inChannels: 1,
                    numClasses: 10,
                    embedDim: 96,
                    depth: 2,
                    numHeads: 2,
                  },
                },
              }),
              join(disk, 'run'),
            ),
            { cwd: place.folder },
          );
          must(ran.code !== 0 && !/\n\s+at |defect/.test(ran.error), seenOf(ran));
          must(
            /bytes/.test(ran.error + ran.out) && /disk\/run/.test(ran.error + ran.out),
            seenOf(ran),
          );
          if (fs.existsSync(join(disk, 'run')))
            must(
              temporaries(join(disk, 'run')).length === 0,
              temporaries(join(disk, 'run')).join(', '),
            );
          return seenOf(ran);
        },
      ),
    (id) =>
      applied(
        id,
        'a disk that is full for the saves in between',
        'a warning, the run goes on, the next save is tried',
        async (place) => {
          const disk = smallDisk(place, '2m');
          let filled = false;
          const ran = await vit(
            into(
              training(place, { change: { epochs: 10, checkpointSteps: 2 } }),
              join(disk, 'run'),
            ),
            {
              cwd: place.folder,
              onOutput: (_, text) => {
                if (filled || !/step /.test(text)) return;
                filled = true;
                try {
                  fs.writeFileSync(join(disk, 'filler'), Buffer.alloc(4e6));
                } catch {
                  /* It is full now. */
                }
                setTimeout(() => fs.rmSync(join(disk, 'filler'), { force: true }), 1500);
              },
            },
          );
          must(ran.code === 0, seenOf(ran));
          return `step ${await soundRun(join(disk, 'run'))}`;
        },
      ),
  ]),
  ...cases('F08', [
    (id) =>
      applied(id, 'a disk that is read-only', 'exit 2 before the first epoch', async (place) => {
        const disk = smallDisk(place, '1m', ',ro');
        return assertRefused(
          await vit(into(training(place), join(disk, 'run')), { cwd: place.folder }),
          /EROFS|read-only/,
        );
      }),
    (id) =>
      applied(
        id,
        'a folder without the right to write',
        'exit 2 before the first epoch',
        async (place) => {
          if (process.getuid?.() !== 0 || !fs.existsSync('/usr/bin/setpriv'))
            throw new Skipped('setpriv as root is needed to give up rights');
          const words = training(place);
          fs.mkdirSync(place.path('run'));
          fs.chmodSync(place.folder, 0o755);
          const ran = await vit(words, {
            cwd: '/',
            env: { HOME: '/nonexistent' },
            wrapper: ['setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups'],
          });
          return assertRefused(ran, /EACCES|permission/i);
        },
      ),
  ]),
  ...cases('F09', [
    ...(['EDQUOT', 'EIO', 'ENOSPC'] as const).map((code) =>
      failingWrite(
        `${code} while a file is written`,
        'the path named, the old file whole',
        () => failsWith(code),
        keepsOld,
      ),
    ),
    (id) =>
      applied(id, '32 file descriptors: predict', 'works, or one line', async (place) =>
        limited(
          await vit(
            [
              'predict',
              '--backend',
              'cpu',
              '--checkpoint',
              await tinyRun(place),
              '--image',
              digit(place),
            ],
            { wrapper: ['prlimit', '--nofile=32'] },
          ),
        ),
      ),
    (id) =>
      applied(id, '32 file descriptors: train', 'works, or one line', async (place) =>
        limited(
          await vit(training(place), { cwd: place.folder, wrapper: ['prlimit', '--nofile=32'] }),
        ),
      ),
  ]),
  ...cases('F10', [
    failingWrite(
      'writes of 1 byte at a time',
      'all bytes are written',
      () =>
        diskWith((handle) => ({
          write: ((bytes: Uint8Array, offset: number, _: number, position: number) =>
            handle.write(bytes, offset, 1, position)) as never,
        })),
      async (place, disk) => {
        const bytes = Uint8Array.from({ length: 300 }, (_, i) => i);
        await writeAtomically(place.path('x'), bytes, disk);
        must(Buffer.compare(bytes, await readBytes(place.path('x'))) === 0, 'other bytes');
        return '300 bytes';
      },
    ),
    failingWrite(
      'writes of 0 bytes',
      'an error, not a loop',
      () => diskWith(() => ({ write: (() => Promise.resolve({ bytesWritten: 0 })) as never })),
      keepsOld,
    ),
  ]),
  ...cases(
    'F11',
    (['EXDEV', 'EPERM', 'EBUSY'] as const).map((code) =>
      failingWrite(
        `a rename that always fails with ${code}`,
        'a clear error, no leftover',
        () => ({ ...promises, rename: () => Promise.reject(systemError(code)) }),
        async (place, disk) => {
          place.put('x', 'old');
          const message = await assertThrows(
            () => writeAtomically(place.path('x'), 'new', disk),
            new RegExp(code),
          );
          must(fs.readdirSync(place.folder).length === 1, fs.readdirSync(place.folder).join(', '));
          return message;
        },
      ),
    ),
  ),
  ...cases('F13', [
    (id) =>
      applied(
        id,
        'a write of one file',
        'fsync of the file, rename, fsync of the folder',
        async (place) => {
          const events: string[] = [];
          const spied = diskWith((handle, path) => ({
            sync: async () => {
              events.push(path === place.folder ? 'sync folder' : 'sync file');
              await handle.sync();
            },
          }));
          const rename: Disk['rename'] = async (from, to) => {
            events.push('rename');
            await promises.rename(from, to);
          };
          await writeAtomically(place.path('x'), 'new', { ...spied, rename });
          must(events.join() === 'sync file,rename,sync folder', events.join());
          return events.join(', ');
        },
      ),
    (id) =>
      applied(id, 'a new run folder', 'fsync of its parent too', async (place) => {
        const synced: string[] = [];
        const spied = diskWith((handle, path) => ({
          sync: async () => {
            synced.push(path);
            await handle.sync();
          },
        }));
        const { openFolder } = await import('../../lib/io/folder.ts');
        await (await openFolder(place.path('a/b/run'), { create: true, disk: spied })).close();
        for (const folder of [place.folder, place.path('a'), place.path('a/b')])
          must(synced.includes(folder), `synced: ${synced.join(', ')}`);
        return 'every parent';
      }),
  ]),
  ...cases('I16-23', [
    (id) =>
      applied(
        id,
        'a picture that cannot be put in its place',
        'no stack, the picture is named, the weights are saved',
        async (place) => {
          fs.mkdirSync(place.path('run/curves.png'), { recursive: true });
          const ran = await vit(training(place, { change: { epochs: 2 } }), { cwd: place.folder });
          must(!/\n\s+at |defect of/.test(ran.error), seenOf(ran));
          must(ran.code === 0 || /run\/curves\.png/.test(ran.error), seenOf(ran));
          must(fs.existsSync(place.path('run/checkpoint.safetensors')), seenOf(ran));
          return seenOf(ran);
        },
      ),
  ]),
  ...cases('I16-24', [
    (id) =>
      applied(
        id,
        'a disk that is full for two seconds at the end',
        'waits, retries, saves the last epoch',
        async (place) => {
          const disk = smallDisk(place, '1m');
          const fill = (): void => {
            try {
              fs.writeFileSync(join(disk, 'filler'), Buffer.alloc(2e6));
            } catch {
              /* It is full now. */
            }
          };
          let filled = false;
          const ran = await vit(
            into(longTraining(place, { checkpointMinutes: null }), join(disk, 'run')),
            {
              cwd: place.folder,
              onOutput: (child, text) => {
                if (filled || !/epoch [23]/.test(text)) return;
                filled = true;
                fill();
                child.kill('SIGTERM');
                setTimeout(() => fs.rmSync(join(disk, 'filler'), { force: true }), 2000);
              },
            },
          );
          return `step ${await stoppedRun(ran, join(disk, 'run'), 143)}`;
        },
      ),
  ]),
  ...cases('I16-36.disk', [
    (id) =>
      applied(
        id,
        'a run folder on a disk that is full',
        'one line, no .probe left',
        async (place) => {
          const disk = smallDisk(place, '64k');
          fs.mkdirSync(join(disk, 'run'));
          try {
            fs.writeFileSync(join(disk, 'filler'), Buffer.alloc(1e5));
          } catch {
            /* It is full now. */
          }
          const ran = await vit(into(training(place), join(disk, 'run')), { cwd: place.folder });
          must(
            temporaries(join(disk, 'run')).length === 0,
            temporaries(join(disk, 'run')).join(', '),
          );
          return assertRefused(ran, /ENOSPC|space/);
        },
      ),
  ]),
];

/** A command under a limit works, or is refused in one line. */
function limited(ran: Awaited<ReturnType<typeof vit>>): string {
  if (ran.code === 0) return 'works';
  must(!/\n\s+at |defect of/.test(ran.error), seenOf(ran));
  return assertRefused(ran, /./, { code: ran.code ?? 2 });
}
