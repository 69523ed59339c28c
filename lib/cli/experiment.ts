// The config of an experiment, checked and complete.

import { isRecord } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import { defaultValSplit } from '../data/registry.ts';
import { parseModelOptions } from '../models/createModel.ts';
import { parseTrainConfig } from '../training/trainConfig.ts';
import { descriptorOf, parseDataConfig } from './dataset.ts';
import type { ModelOptions } from '../models/families.ts';
import type { FullTrainConfig, TrainConfig } from '../training/trainConfig.ts';
import type { DataConfig } from './dataset.ts';

/**
 * One experiment on one page: what a config file exports, as plain data.
 *
 * @property name   names the run: its folder is `runs/<name>` unless said otherwise
 * @property model  options of a model of any registered family, or a size by `name` ("vit_tiny_patch16_224") with options that
 *                  differ from it
 * @property data   the data set and its augmentation
 *
 * @example
 * export default {
 *   name: 'mnist',
 *   model: {imageSize: 28, patchSize: 4, inChannels: 1, numClasses: 10, embedDim: 64, depth: 6, numHeads: 4},
 *   data: {dataset: 'mnist', trainTransforms: [{name: 'randomAffine', degrees: 10, translate: 0.08}]},
 *   epochs: 10, batchSize: 128, learningRate: 1e-3,
 * } satisfies ExperimentConfig;
 */
export interface ExperimentConfig extends Omit<TrainConfig, 'model' | 'data'> {
  name: string;
  model: ModelOptions;
  data: DataConfig;
}

/** An experiment with every default filled in. */
export interface Experiment {
  name: string;
  model: object;
  data: DataConfig;
  train: FullTrainConfig;
}

/** Checks an experiment. @throws InputError naming the key */
export function parseExperiment(value: unknown): Experiment {
  if (!isRecord(value)) {
    throw new InputError(expected('an object', 'the experiment', value));
  }
  const { name, model, data, ...train } = value;
  if (typeof name !== 'string' || !/^[\w.-]+$/.test(name) || /^\.+$/.test(name)) {
    throw new InputError(expected('letters, digits, . - and _', 'name', name));
  }
  const parsedData = parseDataConfig(data);
  const parsedModel = parseModelOptions(model);
  const { valSplit = defaultValSplit(descriptorOf(parsedData), parsedData.folder) } = train;
  const config = { ...train, valSplit, model: parsedModel, data: parsedData };
  return {
    name,
    model: parsedModel,
    data: parsedData,
    train: parseTrainConfig(config as unknown as TrainConfig),
  };
}
