import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { Rng } from '../../lib/core/rng.ts';
import { openFolder } from '../../lib/io/folder.ts';
import { setOfVersion, versionOf } from './versionedSet.ts';

/**
 * Lets a process commit in a loop, kills it with SIGKILL at a random moment, and reads the folder, again and again.
 *
 * @returns what was wrong, one phrase a finding; and the number of commits that were seen finished
 */
export async function killRounds(
  rounds: number,
  seed: number,
): Promise<{ findings: string[]; commits: number }> {
  const place = mkdtempSync(join(tmpdir(), 'vit-kill-'));
  const child = join(place, 'child.mjs');
  buildSync({
    entryPoints: [fileURLToPath(new URL('./commitLoop.ts', import.meta.url))],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: child,
    logLevel: 'error',
  });
  const folder = join(place, 'run');
  const rng = new Rng(seed);
  const findings: string[] = [];
  let acknowledged = 0;
  for (let round = 0; round < rounds; round += 1) {
    acknowledged = Math.max(acknowledged, await killOnce(child, folder, rng.uniform(0, 60)));
    findings.push(...(await check(folder, acknowledged)).map((what) => `round ${round}: ${what}`));
  }
  rmSync(place, { recursive: true });
  return { findings, commits: acknowledged };
}

/** The last version that the child said it had committed before it was killed. */
function killOnce(child: string, folder: string, delayMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const process = spawn(globalThis.process.execPath, [child, folder], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [output, errors] = ['', ''];
    process.stdout.on('data', (data: Buffer) => {
      if (output === '') setTimeout(() => process.kill('SIGKILL'), delayMs);
      output += data.toString();
    });
    process.stderr.on('data', (data: Buffer) => (errors += data.toString()));
    process.on('close', (code, signal) => {
      if (signal !== 'SIGKILL') reject(new Error(`the child ended by itself: ${code} ${errors}`));
      else resolve(Number(output.split('\n').at(-2) ?? 0));
    });
  });
}

async function check(folder: string, acknowledged: number): Promise<string[]> {
  const findings: string[] = [];
  // The folder is opened as a reader, which may change nothing, and then as the next run.
  for (const readOnly of [true, false]) {
    const store = await openFolder(folder, { readOnly, lock: !readOnly });
    const version = Number((await store.manifest())?.info.version);
    if (!(version >= acknowledged))
      findings.push(`version ${version} after ${acknowledged} was committed`);
    for (const [name, wanted] of setOfVersion(version)) {
      const bytes = await store.readChecked(name);
      if (versionOf(bytes) !== version || bytes.length !== wanted.length) {
        findings.push(`${name} is of version ${versionOf(bytes)}, the manifest of ${version}`);
      }
    }
    await store.close();
  }
  const hidden = readdirSync(folder).filter((name) => name.startsWith('.'));
  if (hidden.length > 0) findings.push(`left behind: ${hidden.join(', ')}`);
  return findings;
}
