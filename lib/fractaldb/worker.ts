// The main function of a worker thread: it does one task after the other.

import { parentPort } from 'node:worker_threads';
import { sentError, type SentError } from '../io/thread.ts';
import { FractalTasks, type TaskName, type TaskTypes } from './tasks.ts';

/** The answer of a thread to a task. */
export type Answer = { result: unknown } | { error: SentError };

const tasks = new FractalTasks();

parentPort?.on('message', ({ name, task }: { name: TaskName; task: unknown }) => {
  void answerTo(name, task).then((answer) => parentPort?.postMessage(answer));
});

async function answerTo(name: TaskName, task: unknown): Promise<Answer> {
  try {
    return { result: await tasks.run(name, task as TaskTypes[TaskName]['task']) };
  } catch (error) {
    return { error: sentError(error) };
  }
}
