// Memory and time of loading a ViT-B from each form of file: its peak over that of the idle process, and one answer from a cold start.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  createModel,
  formatTorch,
  IMAGENET_NORMALIZATION,
  loadModel,
  modelTensors,
  predict,
  saveModel,
  selectBackend,
} from '../lib/node.ts';

// The work of a child: nothing but getting ready, loading, or loading and answering.
type Work = 'idle' | 'load' | 'answer';

const name = 'vit_base_patch16_224';

if (process.argv[2] === '--child') await child(process.argv[3] as Work, process.argv[4]!);
else await compare();

async function compare(): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'loading-'));
  try {
    await selectBackend({});
    const model = createModel(name);
    await saveModel(model, path.join(folder, 'model'));
    const pth = path.join(folder, 'model.pth');
    writeFileSync(pth, formatTorch(modelTensors(model)));
    model.dispose();
    const safetensors = path.join(folder, 'model', 'model.safetensors');
    const idle = measured('idle', safetensors);
    for (const file of [safetensors, pth]) {
      const size = statSync(file).size;
      const [load, answer] = [measured('load', file), measured('answer', file)];
      const over = (peak: number) => `${((peak - idle.peak) / size).toFixed(2)} ×`;
      console.log(
        `${path.basename(file).padEnd(18)} ${(size / 1e6).toFixed(0)} MB; memory of loading ${over(load.peak)}, with one answer ${over(answer.peak)}; ` +
          `${answer.seconds.toFixed(2)} s, of which ${idle.seconds.toFixed(2)} s without a model`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The peak memory in bytes and the processor time in s of a process. */
function measured(work: Work, file: string): { peak: number; seconds: number } {
  const script = fileURLToPath(import.meta.url);
  const words = [...process.execArgv, script, '--child', work, file];
  const { stdout, stderr, status } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout.trim().split('\n').at(-1)!) as { peak: number; seconds: number };
}

async function child(work: Work, file: string): Promise<void> {
  await selectBackend({});
  if (work !== 'idle') {
    const model = await loadModel(file, { config: { name } });
    if (work === 'answer') {
      const image = {
        width: 224,
        height: 224,
        channels: 3 as const,
        data: new Uint8Array(224 * 224 * 3),
      };
      await predict(model, image, {
        topK: 5,
        preprocessing: { normalize: IMAGENET_NORMALIZATION },
      });
    }
  }
  const { user, system } = process.cpuUsage();
  const [, kilobytes = '0'] =
    /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  console.log(JSON.stringify({ peak: Number(kilobytes) * 1024, seconds: (user + system) / 1e6 }));
}
