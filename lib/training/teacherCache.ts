// A teacher's logits in a folder: computed once, read by every further run that shows the student the same images.

import { assertFields, assertMethods } from '../core/kinds.ts';
import { parseConfigJson } from '../checkpoints/configFile.ts';
import { hostTensor } from '../checkpoints/hostTensor.ts';
import { formatSafetensors, parseSafetensors } from '../checkpoints/safetensors.ts';
import { CheckpointError, InputError, expected, listed } from '../core/errors.ts';
import type { Precision } from '../core/precision.ts';
import type { FileStore } from '../core/store.ts';
import { fingerprint } from '../data/fingerprint.ts';
import type { Loader } from '../data/loader.ts';
import { asStored, configDifferences } from './trainConfig.ts';
import type { Teacher } from './teacher.ts';

/**
 * The options of `cachedTeacher`.
 *
 * @property store    the folder of the logits, a file for each epoch
 * @property key      everything that decides the images besides the data set and the loader, as plain data: the augmentation, the
 *                    preprocessing. Stored logits of another key are refused
 * @property teacher  computes what is not there; undefined: everything has to be there
 */
export interface CachedTeacherOptions {
  store: FileStore;
  key: unknown;
  teacher: Teacher | undefined;
}

/**
 * A teacher whose logits are kept in a folder, an epoch in a file, and read where they are there: the same bytes as from the teacher.
 *
 * Augmentation is a function of seed, epoch and sample, and mixing one of seed, epoch and step. So the logits of a step are those of
 * every training with the same seed, batches, data and augmentation, of whatever student. An epoch is written when all of its steps were
 * computed in one go; one that was broken off is computed again. A batch takes 4·B·K bytes.
 *
 * @throws InputError if the folder holds logits of other images or of another teacher
 *
 * @example cachedTeacher({store: await openFolder('logits', {create: true}), key: config.data, teacher: modelTeacher(model)});
 */
export function cachedTeacher(options: CachedTeacherOptions): Teacher {
  assertFields('cachedTeacher', options, { store: 'instance', teacher: 'instance?' });
  const { store, key, teacher } = options;
  assertMethods('a store', 'store', store, ['read', 'has', 'write']);
  let loader: Loader | undefined;
  let epoch: Epoch | undefined;

  let content: string | undefined;
  const own = async (precision: Precision): Promise<Record<string, unknown>> => {
    const { seed, batchSize, dropLast, repeats, dataset, outputShape } = loader!.config;
    content ??= await fingerprint(dataset);
    const batches = { seed, batchSize, dropLast, repeats, images: content, outputShape };
    const made = { key, precision };
    return asStored({ ...batches, ...made, teacher: teacher?.fingerprint });
  };

  const begin = async (number: number, precision: Precision): Promise<Epoch> => {
    const name = fileOf(number);
    if (!(await store.has(name))) return { number, stored: undefined, parts: new Map() };
    const place = `${store.location}/${name}`;
    const { tensors, metadata } = parseSafetensors(await store.read(name), place);
    const before = parseConfigJson(metadata.get('key') ?? '', place);
    const after = await own(precision);
    // Without the teacher itself, whichever made them is taken.
    if (teacher === undefined) after['teacher'] = before['teacher'];
    const differences = configDifferences(before, after);
    if (differences.length > 0) {
      const remedy = 'Give another folder, or the same teacher, seed, data and augmentation.';
      throw new InputError(
        `Expected logits of this teacher for these images in ${place}, received others: ${listed(differences, 6)}. ${remedy}`,
      );
    }
    const { data, dtype, shape } = tensors.get('logits') ?? {};
    const { steps, config } = loader!;
    const most = steps * config.batchSize;
    const fits = dtype === 'F32' && shape?.[1] === config.dataset.numClasses && shape[0]! <= most;
    if (!fits)
      throw new CheckpointError(expected('the logits of an epoch', place, shape ?? 'none'));
    return { number, stored: data as Float32Array, parts: new Map() };
  };

  return {
    fingerprint: teacher?.fingerprint ?? 'stored',
    assertFits(given) {
      loader = given;
      teacher?.assertFits(given);
    },
    async logits(batch, at, context) {
      if (epoch?.number !== at.epoch) epoch = await begin(at.epoch, context.precision);
      const { stored, parts } = epoch;
      const { batchSize, dataset } = loader!.config;
      if (stored !== undefined) {
        const start = at.step * batchSize * dataset.numClasses;
        return stored.slice(start, start + batch.size * dataset.numClasses);
      }
      if (teacher === undefined) {
        const remedy = 'Give the teacher, --teacher-path, which computes them.';
        const what = `the logits of epoch ${at.epoch + 1}`;
        throw new InputError(expected(what, store.location, 'none', remedy));
      }
      const logits = await teacher.logits(batch, at, context);
      parts.set(at.step, logits);
      if (parts.size === loader!.steps) await keep(epoch, context.precision);
      return logits;
    },
  };

  async function keep({ number, parts }: Epoch, precision: Precision): Promise<void> {
    const all = [...parts.keys()].sort((a, b) => a - b).map((step) => parts.get(step)!);
    const data = new Float32Array(all.reduce((sum, { length }) => sum + length, 0));
    let from = 0;
    for (const part of all) {
      data.set(part, from);
      from += part.length;
    }
    const K = loader!.config.dataset.numClasses;
    const tensors = new Map([['logits', hostTensor([data.length / K, K], data)]]);
    const metadata = { key: JSON.stringify(await own(precision)) };
    await store.write(fileOf(number), formatSafetensors(tensors, metadata));
  }
}

/** The logits of an epoch: those that were stored, or those of the steps that were computed so far. */
interface Epoch {
  readonly number: number;
  readonly stored: Float32Array | undefined;
  readonly parts: Map<number, Float32Array>;
}

function fileOf(epoch: number): string {
  return `epoch-${String(epoch + 1).padStart(5, '0')}.safetensors`;
}
