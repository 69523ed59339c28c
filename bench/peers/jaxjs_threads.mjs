// Gives jax-js threads in Node: `Worker` over node:worker_threads, and `navigator.hardwareConcurrency`. It divides its kernels among
// browser workers, finds none in Node and would use one thread there.

import { resolveObjectURL } from 'node:buffer';
import { Worker as NodeWorker } from 'node:worker_threads';

// The worker's end: `self.onmessage` and `postMessage`.
const prelude = `
  const { parentPort } = require('node:worker_threads');
  globalThis.self = globalThis;
  globalThis.postMessage = (message) => parentPort.postMessage(message);
  parentPort.on('message', (data) => globalThis.onmessage({ data }));
`;

class BrowserWorker {
  #worker;
  #waiting = [];
  onmessage = null;
  onerror = null;

  constructor(url) {
    void resolveObjectURL(url)
      .text()
      .then((source) => {
        this.#worker = new NodeWorker(prelude + source, { eval: true });
        this.#worker.on('message', (data) => this.onmessage?.({ data }));
        this.#worker.on('error', (error) => this.onerror?.(error));
        for (const message of this.#waiting) this.#worker.postMessage(message);
      });
  }

  postMessage(message) {
    if (this.#worker === undefined) this.#waiting.push(message);
    else this.#worker.postMessage(message);
  }
}

/** Installs the workers. Call it before jax-js is imported; one thread needs no workers. */
export function provideThreads(threads) {
  if (threads === 1) return;
  globalThis.Worker = BrowserWorker;
  const value = { hardwareConcurrency: threads };
  Object.defineProperty(globalThis, 'navigator', { value, configurable: true });
}
