// The names under which the metrics of a task stand in the log.

import type { Task } from './task.ts';

/** The key of a metric in a log entry: `valTop1` of val and top1. */
export function metricKey(part: 'train' | 'val', name: string): string {
  return `${part}${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}

/** The columns of the table of epochs, which are the keys of the log's entries in their order. */
export function logColumns({ trainMetrics, evalMetrics }: Task): string[] {
  return [
    ...['epoch', 'trainLoss'],
    ...trainMetrics.map((name) => metricKey('train', name)),
    ...evalMetrics.map((name) => metricKey('val', name)),
    ...['learningRate', 'imagesPerSecond', 'seconds', 'dataWait'],
  ];
}
