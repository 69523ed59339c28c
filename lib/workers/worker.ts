// The main function of a worker thread that prepares samples.

import { parentPort, workerData } from 'node:worker_threads';
import { useNativePixels } from './nativePixels.ts';
import { SamplePreparer } from './prepare.ts';
import { readSource } from './readers.ts';
import type { Order } from './messages.ts';

useNativePixels();
const { id } = workerData as { id: number };
const preparer = new SamplePreparer(id, readSource, (answer, transfer) =>
  parentPort?.postMessage(answer, transfer),
);
parentPort?.on('message', (order: Order) => preparer.take(order));
