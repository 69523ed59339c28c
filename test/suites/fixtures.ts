// The inputs that many rows share: the shipped model, a picture of a digit, a small experiment, and a small run that was trained once.

import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeImage } from '../../lib/core/image.ts';
import { encodePng } from '../../lib/io/encodePng.ts';
import { tiny } from '../support/cli.ts';
import { root, vit } from './command.ts';
import { seenOf } from './expect.ts';
import { Place } from './place.ts';

/** The folder of the MNIST model that is shipped. */
export const shipped = join(root, 'checkpoints/mnist-vit');

/** The golden images. */
export const goldenImages = join(root, 'test/goldens/images');

/** A white bar on black of 28 × 28 pixels, as a PNG file. */
export function digitPng(): Uint8Array {
  const data = new Uint8Array(28 * 28);
  for (let y = 5; y < 23; y += 1) for (let x = 12; x < 16; x += 1) data[y * 28 + x] = 255;
  return encodePng(makeImage(28, 28, 1, data));
}

/** Writes the picture of a digit. @returns the file */
export function digit(place: Place, name = 'digit.png'): string {
  return place.put(name, digitPng());
}

/** Writes the small experiment, changed, into a file. @returns the file */
export function experiment(place: Place, change: object = {}, name = 'experiment.json'): string {
  return place.put(name, JSON.stringify({ ...tiny, ...change }));
}

/** Writes the small experiment as a module that says more. @returns the file */
export function experimentModule(place: Place, more: string, name = 'experiment.mjs'): string {
  return place.put(name, `export const config = ${JSON.stringify(tiny)};\n${more}\n`);
}

/** The words that train an experiment on few images into `run` of the place. */
export function training(
  place: Place,
  { change = {}, run = 'run', limit = 64 }: { change?: object; run?: string; limit?: number } = {},
): string[] {
  const words = ['train', '--backend', 'cpu', '--config', experiment(place, change)];
  const few = ['--limit', String(limit), '--limit-val', '16'];
  return [...words, ...few, '--output-dir', place.path(run)];
}

/** The words that predict with the shipped model under other class names. */
export function namedClasses(place: Place, classNames: readonly string[]): string[] {
  const record = JSON.parse(readFileSync(`${shipped}/config.json`, 'utf8')) as object;
  place.put('model/config.json', JSON.stringify({ ...record, classNames }));
  copyFileSync(`${shipped}/model.safetensors`, place.path('model/model.safetensors'));
  const checkpoint = ['--backend', 'cpu', '--checkpoint', place.path('model')];
  return ['predict', ...checkpoint, '--image', digit(place)];
}

let trained: Promise<string> | undefined;

/** A copy of a finished run of three epochs of the small experiment. @returns its folder */
export async function tinyRun(place: Place, name = 'run'): Promise<string> {
  trained ??= trainOnce();
  return place.copy(await trained, name);
}

async function trainOnce(): Promise<string> {
  const place = new Place();
  process.on('exit', () => place.remove());
  const ran = await vit(training(place, { change: { epochs: 3, ema: { decay: 0.9 } } }));
  if (ran.code !== 0) throw new Error(`The run of the suite did not train: ${seenOf(ran)}`);
  return place.path('run');
}
