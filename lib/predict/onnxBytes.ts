// A model as a file of ONNX, with the preparation of its images and the names of its classes.

import { formatOnnx } from '../checkpoints/onnx/formatOnnx.ts';
import { OnnxGraph } from '../checkpoints/onnx/onnxGraph.ts';
import { downloadModelTensors } from '../checkpoints/modelState.ts';
import { InputError, expected } from '../core/errors.ts';
import { assertFields } from '../core/kinds.ts';
import { recordOfModel } from '../core/modelRecord.ts';
import { assertModule } from '../core/module.ts';
import type { Model } from '../models/model.ts';
import { modelFamily, storedConfig } from '../models/registry.ts';
import { onnxMetadata } from './onnxMetadata.ts';
import { assertClassNames, preparationFor, type PredictOptions } from './predict.ts';

/**
 * The options of `onnxBytes`, as those of `predict`: each default is what is stored with the model, and a model without says nothing.
 */
export type OnnxOptions = Pick<PredictOptions, 'preprocessing' | 'classNames' | 'onNote'>;

/**
 * A model as the bytes of one ONNX file of operator set 17, for batches of any size.
 *
 * Its input is `pixel_values` [batch, I, H, W]: float32, channels first as in timm and transformers, normalised by `mean` and `std`. Its
 * output is `logits` [batch, K], or `features` of a model without classes. `metadata_props` has `onnxMetadata`.
 *
 * @throws InputError for a family or an option that cannot be written, naming it, and for weights of 2 GiB or more
 *
 * @example await writeFile('model.onnx', await onnxBytes(await loadModel('runs/mnist')));
 */
export async function onnxBytes(model: Model, options: OnnxOptions = {}): Promise<Uint8Array> {
  assertModule(model);
  const kinds = { preprocessing: 'object?', classNames: 'list?', onNote: 'function?' } as const;
  assertFields('options', options, kinds);
  const { preprocessing, classNames } = options;
  const family = modelFamily(model.family);
  if (family.onnx === undefined) {
    const remedy = 'Save it as safetensors instead.';
    throw new InputError(
      expected('a family that can be written as ONNX', 'model', family.family, remedy),
    );
  }
  const isKnown = preprocessing !== undefined || Object.keys(recordOfModel(model)).length > 0;
  if (!isKnown) assertClassNames(classNames, model.numClasses);
  const preparation = isKnown ? preparationFor(model, options) : { classNames };
  const graph = new OnnxGraph(await downloadModelTensors(model));
  family.onnx(graph, model.config);
  return formatOnnx(graph, onnxMetadata(storedConfig(model), preparation));
}
