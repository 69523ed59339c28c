import { InputError, expected } from '../core/errors.ts';
import { modelConfig } from '../models/createModel.ts';
import { knownOptions, parseModelConfig } from '../models/vit/parseConfig.ts';
import { parseTrainConfig } from '../training/trainConfig.ts';
import { parseDataConfig } from './dataset.ts';
import type { VisionTransformerConfig } from '../models/vit/config.ts';
import type { VisionTransformerOptions } from '../models/vit/parseConfig.ts';
import type { FullTrainConfig, TrainConfig } from '../training/trainConfig.ts';
import type { DataConfig } from './dataset.ts';

/**
 * One experiment on one page: what a config file exports, as plain data.
 *
 * @property name   names the run: its folder is `runs/<name>` unless said otherwise
 * @property model  options of `VisionTransformer`, or a size by `name` ("vit_tiny_patch16_224") with options that differ from it
 * @property data   the data set and its augmentation
 *
 * @example
 * export default {
 *   name: 'mnist',
 *   model: {imageSize: 28, patchSize: 4, inChannels: 1, numClasses: 10, embedDim: 64, depth: 6, numHeads: 4},
 *   data: {dataset: 'mnist', affine: {degrees: 10, translate: 0.08}},
 *   epochs: 10, batchSize: 128, learningRate: 1e-3,
 * } satisfies ExperimentConfig;
 */
export interface ExperimentConfig extends Omit<TrainConfig, 'model' | 'data'> {
  name: string;
  model: VisionTransformerOptions & { readonly name?: string };
  data: DataConfig;
}

/** An experiment with every default filled in. */
export interface Experiment {
  name: string;
  model: VisionTransformerConfig;
  data: DataConfig;
  train: FullTrainConfig;
}

/** Checks an experiment. @throws InputError naming the key */
export function parseExperiment(value: unknown): Experiment {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InputError(expected('an object', 'the experiment', value));
  }
  const { name, model, data, ...train } = value as Record<string, unknown>;
  if (typeof name !== 'string' || !/^[\w.-]+$/.test(name) || /^\.+$/.test(name)) {
    throw new InputError(expected('letters, digits, . - and _', 'name', name));
  }
  const parsedData = parseDataConfig(data);
  const parsedModel = parseNamedModel(model);
  const config = { ...train, model: parsedModel, data: parsedData } as unknown as TrainConfig;
  return { name, model: parsedModel, data: parsedData, train: parseTrainConfig(config) };
}

function parseNamedModel(value: unknown): VisionTransformerConfig {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InputError(expected('an object of model options', 'model', value));
  }
  const { name, ...options } = value as Record<string, unknown>;
  if (name === undefined) return parseModelConfig(options);
  if (typeof name !== 'string') throw new InputError(expected('a name', 'model.name', name));
  return modelConfig(name, knownOptions(options));
}
