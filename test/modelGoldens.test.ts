import fs from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { toFloat32, type HostTensor } from '../lib/checkpoints/hostTensor.ts';
import { loadModelTensors } from '../lib/checkpoints/modelState.ts';
import { parseSafetensors } from '../lib/checkpoints/safetensors.ts';
import { Capture } from '../lib/core/capture.ts';
import { parameterShapes } from '../lib/models/layerTable.ts';
import { VisionTransformer } from '../lib/models/vit/visionTransformer.ts';
import { softmaxCrossEntropy } from '../lib/ops/softmaxCrossEntropy.ts';

// The goldens of timm, compared tensor by tensor; `tfjs-vit parity` runs the whole set.
const root = path.join(import.meta.dirname, 'goldens', 'vit-timm');

interface Case {
  config: object;
  compare: { file: string; tensor: string; atol: number; rtol: number }[];
  files: Record<string, { tensors: Record<string, { shape: number[] }> }>;
}

class Golden {
  readonly name: string;
  readonly case: Case;

  constructor(name: string) {
    this.name = name;
    this.case = JSON.parse(fs.readFileSync(path.join(root, name, 'case.json'), 'utf8')) as Case;
  }

  tensors(file: string): Map<string, HostTensor> {
    return parseSafetensors(fs.readFileSync(path.join(root, this.name, file)), file).tensors;
  }

  tensor(file: string, name: string): tf.Tensor {
    const host = this.tensors(file).get(name)!;
    return tf.tensor(toFloat32(host), host.shape);
  }

  images(): tf.Tensor4D {
    const images = this.tensor('inputs.safetensors', 'input') as tf.Tensor4D;
    return tf.transpose(images, [0, 2, 3, 1]);
  }

  model(): VisionTransformer {
    const options = { initialize: false, onWarning: () => {} };
    const model = new VisionTransformer(this.case.config, options);
    loadModelTensors(model, this.tensors('weights.safetensors'));
    return model;
  }

  /** Elements outside the tolerances of the case, for every tensor it compares of this file. */
  differences(file: string, produced: ReadonlyMap<string, tf.Tensor>): string[] {
    const reference = this.tensors(file);
    const entries = this.case.compare.filter((entry) => entry.file === file);
    expect(entries.length).toBeGreaterThan(5);
    return entries.flatMap(({ tensor, atol, rtol }) => {
      const ours = produced.get(tensor);
      const wanted = reference.get(tensor)!;
      if (ours === undefined) return [`${tensor} was not produced`];
      if (ours.shape.join() !== wanted.shape.join()) return [`${tensor} is [${ours.shape.join()}]`];
      const values = ours.dataSync();
      const bad = toFloat32(wanted).findIndex(
        (value, i) => !(Math.abs(values[i]! - value) <= atol + rtol * Math.abs(value)),
      );
      return bad === -1
        ? []
        : [`${tensor}[${bad}] = ${values[bad]}, not ${toFloat32(wanted)[bad]}`];
    });
  }
}

/** d loss / d every parameter by name, and `input` in the layout of the goldens. */
function gradientsOf(
  model: VisionTransformer,
  images: tf.Tensor4D,
  loss: () => tf.Scalar,
): Map<string, tf.Tensor> {
  const parameters = [...model.namedParameters()];
  const inputs = [images, ...parameters.map(([, parameter]) => parameter)];
  const { grads } = tf.engine().gradients(loss, inputs);
  const [dImages, ...rest] = grads;
  return new Map([
    ['input', tf.transpose(dImages!, [0, 3, 1, 2])],
    ...rest.map((grad, i) => [parameters[i]![0], grad] as const),
  ]);
}

function meanLoss(logits: tf.Tensor2D, targets: tf.Tensor2D): tf.Scalar {
  return tf.mean(softmaxCrossEntropy(logits, targets));
}

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe.each(['cls-token', 'dinov2-like', 'deit-distilled'])('timm, case %s', (name) => {
  const golden = new Golden(name);
  let model: VisionTransformer;
  beforeAll(() => {
    model = golden.model();
  });
  afterAll(() => {
    model.dispose();
  });

  test('parameters have timm’s names, shapes and order', () => {
    const own = [...model.namedParameters()].map(([key, { shape }]) => [key, shape.join()]);
    expect(own).toEqual([...parameterShapes(model.config)].map(([key, s]) => [key, s.join()]));
    // The file is sorted by name; case.json lists the tensors as timm's state_dict() does.
    const reference = golden.case.files['weights.safetensors']!.tensors;
    expect(own).toEqual(Object.entries(reference).map(([key, { shape }]) => [key, shape.join()]));
  });

  test('outputs', () => {
    // Attention probabilities come from plain ops, so they are asked for in a pass of their own.
    const users = ['patch_embed', 'blocks.input', 'blocks.*.output', 'forward_features'];
    const capture = new Capture([...users, 'pre_logits']);
    const attention = new Capture(['blocks.*.attn_probs']);
    tf.tidy(() => {
      const images = golden.images();
      const logits = model.forward(images, { intercept: capture });
      model.forward(images, { intercept: attention });
      const produced = new Map<string, tf.Tensor>([
        ...capture.entries(),
        ...attention.entries(),
        ['logits', logits],
      ]);
      if (model.config.distilled) {
        const { cls, dist } = model.forwardDistilled(images);
        produced.set('train_logits_cls', cls).set('train_logits_dist', dist);
      }
      expect(golden.differences('outputs.safetensors', produced)).toEqual([]);
    });
    capture.dispose();
    attention.dispose();
  });

  test.each([false, true])('gradients, blocks computed twice: %s', (recompute) => {
    tf.tidy(() => {
      const images = golden.images();
      const targets = golden.tensor('inputs.safetensors', 'soft_targets') as tf.Tensor2D;
      if (!model.config.distilled) {
        const loss = () => meanLoss(model.forward(images, { recompute }), targets);
        const gradients = gradientsOf(model, images, loss);
        expect(golden.differences('grads.safetensors', gradients)).toEqual([]);
        return;
      }
      // DeiT's hard distillation: half the targets for one head, half the teacher's choice for the other.
      const teacher = golden.tensor('inputs.safetensors', 'teacher_logits');
      const choice = tf.oneHot(tf.argMax(teacher, 1), model.config.numClasses);
      const loss = () => {
        const { cls, dist } = model.forwardDistilled(images, { recompute });
        const taught = meanLoss(dist, tf.cast(choice, 'float32') as tf.Tensor2D);
        return tf.mul<tf.Scalar>(tf.add(meanLoss(cls, targets), taught), 0.5);
      };
      const gradients = gradientsOf(model, images, loss);
      expect(golden.differences('grads-hard.safetensors', gradients)).toEqual([]);
    });
  });
});
