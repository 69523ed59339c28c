// A worker thread that ends when it is to read a file with "deadly" in its name, and leaves the rest to the library's reader.

import { parentPort, workerData } from 'node:worker_threads';
import { SamplePreparer } from '../../lib/workers/prepare.ts';
import { readSource } from '../../lib/workers/readers.ts';

const preparer = new SamplePreparer(
  (workerData as { id: number }).id,
  (source) => (String(source['file']).includes('deadly') ? process.exit(3) : readSource(source)),
  (answer, transfer) => parentPort?.postMessage(answer, transfer),
);
parentPort?.on('message', (order) => preparer.take(order as never));
