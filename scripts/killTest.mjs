// Kills a training run with SIGKILL at random moments and resumes it, again and again:
//   node --import tsx scripts/killTest.mjs [--kills 50] [--seed 1]
// After each kill the folder must hold one complete set of files that loads, no older than the one before. At the
// end the run must have the same weights, average and optimizer state, byte for byte, as one that was not killed.

import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { setTimeout } from 'node:timers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs';
import {
  MNIST_NORMALIZATION,
  Rng,
  VisionTransformer,
  loadMnist,
  loadModel,
  mnistDataset,
  openFolder,
  parseSafetensors,
  sha256,
  trainInFolder,
} from '../lib/node.ts';

const { values, positionals } = parseArgs({
  options: { kills: { type: 'string', default: '50' }, seed: { type: 'string', default: '1' } },
  allowPositionals: true,
});
const stateName = 'checkpoint.state.safetensors';

// Suppresses the advice to install tfjs-node.
tf.env().set('IS_TEST', true);
await tf.setBackend('cpu');
if (positionals[0] === 'child') await train(positionals[1]);
else await main(Number(values.kills), new Rng(Number(values.seed)));

/** Trains a small model to its end, from the folder's newest checkpoint. */
async function train(folder) {
  const dataset = mnistDataset(await loadMnist({ limit: 128 }));
  const model = new VisionTransformer({
    imageSize: 28,
    patchSize: 14,
    inChannels: 1,
    numClasses: 10,
    embedDim: 24,
    depth: 1,
    numHeads: 2,
    dropPathRate: 0.1,
  });
  const begun = await openFolder(folder, { create: true }).then((store) => store.has(stateName));
  await trainInFolder(
    {
      epochs: 40,
      batchSize: 32,
      learningRate: 1e-3,
      seed: 3,
      ema: { decay: 0.9 },
      checkpointSteps: 1,
    },
    {
      outputDir: folder,
      resume: begun ? folder : undefined,
      model,
      train: dataset,
      normalize: MNIST_NORMALIZATION,
      progress: false,
      tensorboard: false,
      sinks: [{ step: () => process.stdout.write('.') }],
    },
  );
}

async function main(kills, rng) {
  const place = mkdtempSync(path.join(tmpdir(), 'vit-kill-'));
  const [left, killed] = [path.join(place, 'left-alone'), path.join(place, 'killed')];
  const wanted = (await run(left), await endOf(left));
  let findings = 0;
  const find = (what) => {
    findings += 1;
    console.log(`FAIL ${what}`);
  };
  let step = 0;
  for (let kill = 1; kill <= kills;) {
    // Mostly while it trains and saves, now and then while it starts.
    const delay = { ms: rng.uniform(0, 600), fromStart: rng.bernoulli(0.1) };
    const finished = await run(killed, delay);
    if (finished) {
      if ((await endOf(killed)) !== wanted) find('a killed run ends with other weights or state');
      rmSync(killed, { recursive: true });
      step = 0;
      continue;
    }
    const now = await check(killed, find);
    if (now < step) find(`step ${now} after step ${step} was there`);
    step = now;
    if (kill % 10 === 0) console.log(`${kill} kills, ${findings} findings, at step ${step}`);
    kill += 1;
  }
  await run(killed);
  if ((await endOf(killed)) !== wanted) find('the killed run ends with other weights or state');
  rmSync(place, { recursive: true });
  console.log(
    `${kills} kills: ${findings === 0 ? 'every one left a complete run that ends the same' : `${findings} findings`}`,
  );
  process.exitCode = findings === 0 ? 0 : 1;
}

/** Runs the child, and kills it `delay` after its start or its first step if one is given. Returns whether it came to its end. */
function run(folder, delay) {
  return new Promise((resolve, reject) => {
    const file = fileURLToPath(import.meta.url);
    const child = spawn(process.execPath, ['--import', 'tsx', file, 'child', folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const kill = () => setTimeout(() => child.kill('SIGKILL'), delay.ms);
    if (delay?.fromStart) kill();
    else if (delay !== undefined) child.stdout.once('data', kill);
    child.stdout.resume();
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL' || code === 0) resolve(signal === null);
      else reject(new Error(`the run ended with ${code ?? signal}`));
    });
  });
}

/** The step of the folder's newest checkpoint; 0 before the first. */
async function check(folder, find) {
  const store = await openFolder(folder, { readOnly: true });
  const manifest = await store.manifest();
  if (manifest === undefined) return 0;
  for (const name of manifest.files.keys()) {
    await store.readChecked(name).catch((error) => find(error.message));
  }
  await loadModel(folder).then(
    (model) => model.dispose(),
    (error) => find(error.message),
  );
  const others = readdirSync(folder).filter(
    (name) => !name.startsWith('.') && !manifest.files.has(name),
  );
  if (others.some((name) => name !== 'manifest.json')) find(`unlisted: ${others.join(', ')}`);
  return manifest.info.step;
}

/** The results of a run: its weights, average and optimizer state, without the times in its log. */
async function endOf(folder) {
  const store = await openFolder(folder, { readOnly: true });
  const { tensors } = parseSafetensors(await store.readChecked(stateName));
  const parts = [...tensors].map(
    ([name, { data }]) => name + sha256(new Uint8Array(data.slice().buffer)),
  );
  for (const name of ['checkpoint.safetensors', 'checkpoint.ema.safetensors', 'config.json']) {
    parts.push(sha256(await store.readChecked(name)));
  }
  return sha256(parts.join('\n'));
}
