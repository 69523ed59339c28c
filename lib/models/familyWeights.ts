// The weights of the library's families without their models, so that a command reads and writes them without loading TensorFlow.js.

import { OnnxGraph } from '../checkpoints/onnx/onnxGraph.ts';
import { timmModelOptions } from '../checkpoints/timmConfig.ts';
import type { HostTensor } from '../checkpoints/hostTensor.ts';
import { tensorReports, type AdaptChange, type TensorReport } from '../checkpoints/tensorReport.ts';
import { isRecord } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import { adapt as adaptResNet } from './resnet/adapt.ts';
import { parseResNetConfig, resNetSize, resNetSizes, type ResNetConfig } from './resnet/config.ts';
import { isHuggingFaceResNet } from './resnet/huggingFace.ts';
import { resNetOnnx } from './resnet/onnxGraph.ts';
import { adapt } from './vit/adapt.ts';
import { vitOptions } from './vit/describe.ts';
import { timmNames } from './vit/foreignNames.ts';
import { layerTable } from './vit/layerTable.ts';
import { vitOnnx } from './vit/onnxGraph.ts';
import type { VisionTransformerConfig } from './vit/optionTypes.ts';
import { parseModelConfig } from './vit/parseConfig.ts';
import { fullName, sizeConfig } from './vit/sizeConfig.ts';
import { modelSizes } from './vit/sizes.ts';
import { whole } from './vit/variant.ts';

export {
  huggingFaceFolder,
  timmFolder,
  type FolderPreparation,
  type HuggingFaceFolder,
} from './vit/exportFolders.ts';
export { timmNames, vitOptions };
export type { ResNetConfig, VisionTransformerConfig };

/**
 * The complete configuration of a Vision Transformer in any vocabulary: ours, Hugging Face's, that of timm's hub, or a size by its `name`.
 *
 * @throws InputError naming what cannot be used
 */
export function vitConfigOf(stored: object): VisionTransformerConfig {
  const given = timmModelOptions(stored as Record<string, unknown>) ?? stored;
  if (!isRecord(given)) throw new InputError(expected('an object', 'model', given));
  const { name, family, ...options } = given;
  if (family !== undefined && family !== 'vit') {
    throw new InputError(expected('a Vision Transformer', 'model.family', family));
  }
  if (name === undefined) return parseModelConfig(options);
  if (typeof name !== 'string') throw new InputError(expected('a name', 'model.name', name));
  const size = [name, name.split('.')[0]!].find((one) => isVitSize(one));
  if (size === undefined) throw new InputError(expected('a size of ViT', 'model.name', name));
  return sizeConfig(size, options);
}

/**
 * The complete configuration of a ResNet, stored or of a size by its `name`; undefined if it is none of a ResNet.
 *
 * @throws InputError naming what cannot be used
 */
export function resNetConfigOf(stored: object): ResNetConfig | undefined {
  const { name, family, ...options } = stored as Record<string, unknown>;
  if (typeof name === 'string' && Object.hasOwn(resNetSizes, name)) {
    return resNetSize(name, options);
  }
  const isResNet = family === 'resnet' || isHuggingFaceResNet(options);
  return isResNet ? parseResNetConfig(options) : undefined;
}

/**
 * The weights of a Vision Transformer or a ResNet as a graph of ONNX.
 *
 * @param note  told, in a sentence each, what was left out or resampled
 * @throws CheckpointError, InputError naming what does not fit or cannot be written
 */
export function weightsGraph(
  tensors: ReadonlyMap<string, HostTensor>,
  config: VisionTransformerConfig | ResNetConfig,
  note: (text: string) => void,
): OnnxGraph {
  if ('family' in config) {
    const graph = new OnnxGraph(adaptResNet(tensors, config, note));
    resNetOnnx(graph, config);
    return graph;
  }
  const graph = new OnnxGraph(adapt(tensors, config, note));
  vitOnnx(graph, config);
  return graph;
}

/**
 * The outcome that loading would have for every tensor of a checkpoint, in a Vision Transformer of a configuration; no model is built.
 *
 * @throws CheckpointError if the names cannot be brought to those of the model
 */
export function vitLoadReport(
  tensors: ReadonlyMap<string, HostTensor>,
  config: VisionTransformerConfig,
): TensorReport[] {
  const changes: AdaptChange[] = [];
  const onChange = (change: AdaptChange): void => void changes.push(change);
  const own = adapt(tensors, config, undefined, { inputChannels: true, onChange });
  const shapes = new Map(layerTable(config).flatMap(({ parameters }) => [...parameters]));
  return tensorReports(tensors, own, shapes, changes);
}

/** Whether a name is one of the sizes of Vision Transformers. */
export function isVitSize(name: string): boolean {
  return Object.hasOwn(modelSizes, fullName(name));
}

/** The sizes whose tensors have the shapes of these, but for classes, channels and the size of images. */
export function vitSizesThatFit(tensors: ReadonlyMap<string, HostTensor>): string[] {
  const told = vitOptions(tensors);
  if (told === undefined) return [];
  const { embedDim, depth, patchSize, classToken, distilled, regTokens, preNorm, mlpRatio } = told;
  const { blockFn = 'Block', mlpLayer = 'Mlp', normLayer = 'LayerNorm', finalNorm = true } = told;
  const { scaleAttnNorm = false, projBias = true } = told;
  const tokens = { embedDim, depth, patchSize, classToken, distilled, regTokens, preNorm };
  const parts = { blockFn, mlpLayer, normLayer, finalNorm, scaleAttnNorm, projBias };
  const wanted = { ...tokens, ...parts };
  return Object.keys(modelSizes).filter((name) => {
    const size = whole(sizeConfig(name)) as unknown as Record<string, unknown>;
    const same = Object.entries(wanted).every(
      ([key, value]) => JSON.stringify(size[key]) === JSON.stringify(value),
    );
    const isScaled = (size['layerScaleInit'] === null) === (told['layerScaleInit'] === null);
    return same && isScaled && Math.abs(Number(size['mlpRatio']) - Number(mlpRatio)) < 0.01;
  });
}
