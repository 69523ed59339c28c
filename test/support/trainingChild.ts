// A process that trains until it is killed: `trainingChild.ts FOLDER`. It resumes the run of the folder if there is one.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { openFolder } from '../../lib/io/folder.ts';
import { train } from '../../lib/training/trainer.ts';
import { data, longConfig, Toy } from './training.ts';

async function main(path: string): Promise<void> {
  await tf.setBackend('cpu');
  const store = await openFolder(path, { create: true, lock: true });
  const resume = (await store.has('checkpoint.state.safetensors')) ? store : undefined;
  const sinks = [{ step: () => process.stdout.write('.') }];
  await train(longConfig, { ...data, model: new Toy(), store, resume, sinks });
}

void main(process.argv[2]!);
