// A run killed at random moments resumes from a complete checkpoint each time and ends like an uninterrupted one.

import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { Rng } from '../lib/core/rng.ts';
import { openFolder } from '../lib/io/folder.ts';
import { train } from '../lib/training/trainer.ts';
import { runContent } from './support/runContent.ts';
import { data, longConfig, MemoryStore, Toy } from './support/training.ts';

const kills = 50;

test(`${kills} times SIGKILL`, async () => {
  await tf.setBackend('cpu');
  const folder = await mkdtemp(join(tmpdir(), 'vit-killed-'));
  const rng = new Rng(11);
  let step = -1;
  for (let round = 0; round < kills; round += 1) {
    await trainAndKill(folder, rng.uniform(0, 300));
    const store = await openFolder(folder);
    const info = (await store.manifest())!.info as { step: number };
    expect(info.step).toBeGreaterThanOrEqual(step);
    step = info.step;
    await store.close();
  }
  expect(step).toBeGreaterThan(kills);

  const store = await openFolder(folder, { lock: true });
  const config = { ...longConfig, maxSteps: step + 3 };
  await train(config, { ...data, model: new Toy(), store, resume: store });
  await store.close();
  const whole = new MemoryStore();
  await train({ ...config, checkpointSteps: null }, { ...data, model: new Toy(), store: whole });
  const killed = new MemoryStore();
  for (const name of await readdir(folder)) {
    killed.files.set(name, await readFile(join(folder, name)));
  }
  expect(runContent(killed)).toEqual(runContent(whole));
  await rm(folder, { recursive: true });
}, 900_000);

/** Trains in a process of its own and kills it so long after its first update. */
function trainAndKill(folder: string, delayMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = join(__dirname, 'support', 'trainingChild.ts');
    const running = spawn(process.execPath, ['--import', 'tsx', child, folder], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let errors = '';
    running.stdout.once('data', () => setTimeout(() => running.kill('SIGKILL'), delayMs));
    running.stdout.resume();
    running.stderr.on('data', (data: Buffer) => (errors += data.toString()));
    running.on('close', (code, signal) => {
      if (signal === 'SIGKILL') resolve();
      else reject(new Error(`the run ended by itself: ${code} ${errors}`));
    });
  });
}
