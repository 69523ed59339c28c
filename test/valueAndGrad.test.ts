import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { softmaxCrossEntropy } from '../lib/ops/softmaxCrossEntropy.ts';
import { valueAndGrad } from '../lib/training/valueAndGrad.ts';
import { build, images } from './support/tinyModel.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('value and gradients of a loss', () => {
  let model: ReturnType<typeof build>;
  let x: tf.Tensor4D;
  let targets: tf.Tensor2D;
  let before: number;
  const lossOf = (logits: tf.Tensor2D) => tf.mean(softmaxCrossEntropy(logits, targets));

  beforeEach(() => {
    model = build();
    x = images();
    targets = tf.oneHot([1, 3], 5).toFloat() as tf.Tensor2D;
    before = tf.memory().numTensors;
  });
  afterEach(() => {
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
    tf.dispose([x, targets]);
  });

  test('are those of tf.variableGrads, bit for bit, under the names of the model', () => {
    const parameters = model.namedParameters();
    const loss = () => lossOf(model.forward(x));
    const plain = tf.variableGrads(loss as () => tf.Scalar, [...parameters.values()]);
    const { value, gradients, outputs } = valueAndGrad(model, loss);
    expect(value.dataSync()).toEqual(plain.value.dataSync());
    expect([...gradients.keys()]).toEqual([...parameters.keys()]);
    for (const [name, parameter] of parameters) {
      expect(gradients.get(name)!.dataSync()).toEqual(plain.grads[parameter.name]!.dataSync());
    }
    expect(outputs).toEqual({});
    tf.dispose([plain.value, value, ...Object.values(plain.grads), ...gradients.values()]);
  });

  test('come with outputs, with the gradient of an input, and in two phases', () => {
    const phases: string[] = [];
    const result = valueAndGrad(
      model,
      () => {
        const logits = model.forward(x);
        return { loss: lossOf(logits), outputs: { logits } };
      },
      {
        inputs: { x },
        phase: (name, run) => {
          phases.push(`${name} begins`);
          const value = run();
          phases.push(`${name} ends`);
          return value;
        },
      },
    );
    expect(phases).toEqual(['forward begins', 'forward ends', 'backward begins', 'backward ends']);
    const { value, gradients, outputs } = result;
    expect([...gradients.keys()].at(-1)).toBe('x');
    const again = tf.tidy(() =>
      tf.grad((y: tf.Tensor) => lossOf(model.forward(y as tf.Tensor4D)))(x),
    );
    expect(gradients.get('x')!.dataSync()).toEqual(again.dataSync());
    const logits = tf.tidy(() => model.forward(x));
    expect(outputs.logits.dataSync()).toEqual(logits.dataSync());
    tf.dispose([again, logits, value, outputs.logits, ...gradients.values()]);
  });

  test('leave out what the loss does not depend on', () => {
    const head = model.namedParameters().get('head.bias')!;
    const { value, gradients } = valueAndGrad(model, () => tf.sum(tf.square(head)));
    expect([...gradients.keys()]).toEqual(['head.bias']);
    tf.dispose([value, ...gradients.values()]);
  });

  test.each([
    [
      'the forward pass',
      /early/,
      () => {
        lossOf(model.forward(x));
        throw new Error('early');
      },
    ],
    ['a loss that is no scalar', /Expected a scalar .*received \[2, 5\]/, () => model.forward(x)],
    ['a loss of nothing', /Expected a value that depends on the model/, () => tf.scalar(1)],
    [
      'the backward pass',
      /late/,
      () => {
        const failing = tf.customGrad((y) => ({
          value: (y as tf.Tensor).clone(),
          gradFunc: () => {
            throw new Error('late');
          },
        }));
        return lossOf(failing(model.forward(x)) as tf.Tensor2D);
      },
    ],
  ] as [string, RegExp, () => tf.Tensor][])(
    'an error of %s leaves nothing behind',
    (_where, message, loss) => {
      expect(() => valueAndGrad(model, loss)).toThrow(message);
      const { value, gradients } = valueAndGrad(model, () => lossOf(model.forward(x)));
      tf.dispose([value, ...gradients.values()]);
    },
  );

  test('are refused inside another gradient', () => {
    const inner = (y: tf.Tensor) => {
      valueAndGrad(model, () => lossOf(model.forward(x)));
      return tf.sum(y);
    };
    expect(() => tf.grad(inner)(x)).toThrow(/inside one/);
  });
});
