// Checkpoints in the form of another program, for `tfjs-vit convert`; no model is built.

import { formatOnnx } from '../checkpoints/onnx/formatOnnx.ts';
import { outcomeSummary, outcomeTable } from '../checkpoints/tensorReport.ts';
import { formatSafetensors } from '../checkpoints/safetensors.ts';
import { formatTorch } from '../checkpoints/pytorch/writeTorch.ts';
import { InputError, expected, listed } from '../core/errors.ts';
import { readCheckpoint, type CheckpointFile } from '../io/checkpointFile.ts';
import { openFolder } from '../io/folder.ts';
import {
  huggingFaceFolder,
  resNetConfigOf,
  timmFolder,
  timmNames,
  vitLoadReport,
  vitOptions,
  weightsGraph,
  type FolderPreparation,
  type ResNetConfig,
  type VisionTransformerConfig,
} from '../models/familyWeights.ts';
import { onnxMetadata } from '../predict/onnxMetadata.ts';
import { preparationOf, type Preparation } from '../predict/preparation.ts';
import { writeAtomically } from './outputFile.ts';
import { localCheckpoint } from './localCheckpoint.ts';
import { vitConfigOfCheckpoint } from './vitConfigOfCheckpoint.ts';
import type { HostTensor } from '../checkpoints/hostTensor.ts';
import type { WeightsChoice } from './trainedModel.ts';

/**
 * The options of a conversion.
 *
 * @property to      one file of safetensors, of PyTorch or of ONNX, a folder of timm's hub, or one of Hugging Face
 * @property output  the file or folder, which is made
 * @property report  true: it is told of every tensor
 */
export interface ConvertOptions extends WeightsChoice {
  to: 'safetensors' | 'pth' | 'onnx' | 'timm' | 'hf';
  output: string;
  report?: boolean;
}

/**
 * Converts a checkpoint; tensors get timm's names, or Hugging Face's, and keep their dtype, except in ONNX, which has float32.
 *
 * @param note  told, a sentence each, what was chosen, left out or assumed
 * @returns the number of tensors that were written
 * @throws IoError, CheckpointError, UnsupportedError, InputError; nothing is written then
 */
export async function convertCheckpoint(
  path: string,
  { to, output, model, report = false, ...choice }: ConvertOptions,
  note: (text: string) => void,
): Promise<number> {
  const read = await readCheckpoint(await localCheckpoint(path, note), choice);
  read.notes?.forEach(note);
  if (vitOptions(read.tensors) !== undefined) {
    const config = vitConfigOfCheckpoint(read, model, report);
    const rows = config === undefined ? [] : vitLoadReport(read.tensors, config);
    if (report) outcomeTable(rows).forEach(note);
    if (rows.length > 0) note(outcomeSummary(rows));
  }
  if (to === 'onnx') return convertToOnnx(read, model, output, note);
  const isVit = vitOptions(read.tensors) !== undefined;
  const left: string[] = [];
  const tensors = isVit ? timmNames(read.tensors, (name) => left.push(name)) : read.tensors;
  if (left.length > 0) note(`Left out, as no part of the model: ${listed(left, 6)}.`);
  if (to === 'pth') {
    await writeAtomically(output, formatTorch(tensors));
    return tensors.size;
  }
  const config = isVit ? vitConfigOfCheckpoint(read, model, to !== 'safetensors') : undefined;
  if (to === 'safetensors') {
    const metadata = { format: 'pt', ...(config && { config: JSON.stringify(config) }) };
    await writeAtomically(output, formatSafetensors(tensors, metadata));
    return tensors.size;
  }
  if (config === undefined) {
    throw new InputError(expected('a Vision Transformer', `--to ${to}`, read.path));
  }
  const preparation = folderPreparation(preparationIn(read, config, note));
  const written = (content: object) => `${JSON.stringify(content, null, 2)}\n`;
  const files = new Map<string, Uint8Array | string>();
  let own: ReadonlyMap<string, HostTensor> = tensors;
  if (to === 'hf') {
    const folder = huggingFaceFolder(tensors, config, preparation);
    own = folder.tensors;
    files.set('config.json', written(folder.config));
    files.set('preprocessor_config.json', written(folder.preprocessor));
  } else files.set('config.json', written(timmFolder(config, preparation, note)));
  files.set('model.safetensors', formatSafetensors(own, { format: 'pt' }));
  const store = await openFolder(output, { create: true });
  try {
    for (const name of files.keys()) {
      if (!(await store.has(name))) continue;
      const remedy = 'Choose another folder.';
      throw new InputError(expected(`a folder without ${name}`, '--output', output, remedy));
    }
    // Other programs know no manifest of ours.
    for (const [name, content] of files) await store.write(name, content);
  } finally {
    await store.close();
  }
  return own.size;
}

// Other families than Vision Transformers say so in their configuration, or by the name of a size.
async function convertToOnnx(
  read: CheckpointFile,
  model: string | undefined,
  output: string,
  note: (text: string) => void,
): Promise<number> {
  const other = resNetConfigOf(read.config ?? { name: model });
  if (other === undefined && vitOptions(read.tensors) === undefined) {
    const what = 'a Vision Transformer or a ResNet with its config.json or --model';
    throw new InputError(expected(what, '--to onnx', read.path));
  }
  const config = other ?? vitConfigOfCheckpoint(read, model, true)!;
  const graph = weightsGraph(read.tensors, config, note);
  const metadata = onnxMetadata(config, preparationIn(read, config, note));
  await writeAtomically(output, formatOnnx(graph, metadata));
  return graph.initializers.size;
}

function preparationIn(
  { record = {} }: CheckpointFile,
  { imageSize, inChannels, numClasses }: VisionTransformerConfig | ResNetConfig,
  note: (text: string) => void,
): Preparation {
  const [height = 1, width = 1] = imageSize;
  return preparationOf(record, { inputShape: [height, width, inChannels], numClasses }, { note });
}

function folderPreparation({ preprocessing, classNames }: Preparation): FolderPreparation {
  const { normalize, interpolation, cropMode, cropPct } = preprocessing;
  const { mean, std } = normalize;
  return { mean, std, interpolation, cropMode, cropPct, classNames };
}
