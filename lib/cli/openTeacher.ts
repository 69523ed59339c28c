// The teacher of a distillation as an experiment names it: a checkpoint, stored logits, or both.

import { InputError, expected } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import { readCheckpoint, type CheckpointFile } from '../io/checkpointFile.ts';
import { openFolder, type Folder } from '../io/folder.ts';
import { buildLoaded } from '../models/buildLoaded.ts';
import { checkpointConfig } from '../models/checkpointConfig.ts';
import { modelNames, parseModelOptions } from '../models/createModel.ts';
import { familyWithSize } from '../models/registry.ts';
import { preparationOf } from '../predict/preparation.ts';
import { cachedTeacher } from '../training/teacherCache.ts';
import { modelTeacher, type Teacher } from '../training/teacher.ts';
import { localCheckpoint } from './localCheckpoint.ts';
import type { Model } from '../models/model.ts';
import type { DistillationConfig } from '../training/options/types.ts';

/**
 * The data that a teacher has to fit.
 *
 * @property numClasses  of the data
 * @property key         everything that decides the images of training, as plain data: see `cachedTeacher`
 * @property note        told, a sentence each, what was taken and what had to be assumed
 */
export interface TeacherPlace {
  numClasses: number;
  key: unknown;
  note: (text: string) => void;
}

/** A teacher that was opened; `close` frees its model and its folder. */
export interface OpenedTeacher {
  readonly teacher: Teacher;
  close(): Promise<void>;
}

/**
 * Opens the teacher of a config; undefined if it has none.
 *
 * @throws InputError if a type has no teacher or a teacher no weights; IoError, CheckpointError if its files cannot be read
 */
export async function openTeacher(
  { type = 'none', teacherPath, teacherModel, teacherLogits }: DistillationConfig,
  { numClasses, key, note }: TeacherPlace,
): Promise<OpenedTeacher | undefined> {
  if (type === 'none') return undefined;
  if (teacherModel !== undefined) assertKnown(teacherModel);
  if (teacherPath === undefined && teacherModel !== undefined) {
    const remedy = 'A teacher without trained weights teaches nothing: give its checkpoint.';
    throw new InputError(expected('--teacher-path', '--teacher-model', teacherModel, remedy));
  }
  if (teacherPath === undefined && teacherLogits === undefined) {
    const remedy = 'Give the checkpoint of the teacher, or a folder with its logits.';
    const what = '--teacher-path or --teacher-logits';
    throw new InputError(expected(what, `--distillation-type ${type}`, undefined, remedy));
  }
  let [model, store]: [Model | undefined, Folder | undefined] = [undefined, undefined];
  const close = async (): Promise<void> => {
    model?.dispose();
    await store?.close();
  };
  try {
    let teacher: Teacher | undefined;
    if (teacherPath !== undefined) {
      const checkpoint = await readCheckpoint(await localCheckpoint(teacherPath, note));
      checkpoint.notes?.forEach(note);
      model = modelOf(checkpoint, { teacherModel, numClasses, note });
      teacher = teacherOf(checkpoint, model, note);
      note(`Teacher: ${checkpoint.path}, ${type} distillation.`);
    }
    if (teacherLogits === undefined) return { teacher: teacher!, close };
    store = await openFolder(teacherLogits, { create: teacher !== undefined, lock: true });
    return { teacher: cachedTeacher({ store, key, teacher }), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function assertKnown(name: string): void {
  if (familyWithSize(name.split('.')[0]!) !== undefined) return;
  const remedy = didYouMean(name, modelNames(), 'tfjs-vit summary --list shows the names.');
  throw new InputError(expected('a model that is built', '--teacher-model', name, remedy));
}

function modelOf(
  checkpoint: CheckpointFile,
  {
    teacherModel: name,
    numClasses,
    note,
  }: { teacherModel: string | undefined; numClasses: number; note: (text: string) => void },
): Model {
  const { tensors, path } = checkpoint;
  const named =
    name === undefined
      ? checkpointConfig(checkpoint, { source: path, note })
      : parseModelOptions({ name, numClasses });
  return buildLoaded(named, tensors, { onAdapt: note }).model;
}

// A checkpoint that says nothing of its images gets those of the student.
function teacherOf(
  { record, sha256 }: CheckpointFile,
  model: Model,
  note: (text: string) => void,
): Teacher {
  const [height, width] = model.inputShape;
  const seen = record === undefined ? undefined : preparationOf(record, model, { note });
  const normalize = seen?.preprocessing.normalize;
  return modelTeacher(model, {
    fingerprint: sha256,
    size: [height, width],
    ...(normalize && { normalize }),
  });
}
