// A ResNet as a graph of ONNX, from its configuration and its weights.

import {
  batchAxis,
  notInOnnx,
  type OnnxGraph,
  type Value,
} from '../../checkpoints/onnx/onnxGraph.ts';
import {
  blockPlaces,
  changesShape,
  stagePlanes,
  stemPlanes,
  type BlockPlace,
  type ResNetConfig,
} from './config.ts';

const written: ReadonlySet<string> = new Set([
  'family', 'imageSize', 'inChannels', 'numClasses', 'layers', 'planes', 'block', 'stemWidth', 'smallInput',
  // They have no part in the results.
  'frozenNorm', 'zeroInitResidual', 'dropRate', 'dropPathRate', 'seed',
]); // prettier-ignore

// ε of the batch norms.
const epsilon = 1e-5;

/**
 * Fills a graph with a ResNet: `pixel_values` [batch, I, H, W], normalised, to `logits` [batch, K], or `features` [batch, C] without
 * classes.
 *
 * @throws InputError naming an option that the graph has no place for; CheckpointError if the weights are not those of the configuration
 */
export function resNetOnnx(graph: OnnxGraph, config: ResNetConfig): void {
  const other = Object.entries(config).find(
    ([name, value]) => value !== undefined && !written.has(name),
  );
  if (other !== undefined) throw notInOnnx(...other, 'nothing');
  const kinds: unknown[] = [undefined, 'basic', 'bottleneck'];
  if (!kinds.includes(config.block)) throw notInOnnx('block', config.block, 'basic or bottleneck');
  const { smallInput, numClasses, inChannels, imageSize } = config;
  const images = graph.input('pixel_values', [batchAxis, inChannels, ...imageSize]);
  const [width, last] = [stemPlanes(config), stagePlanes(config).at(-1)!];
  const window = smallInput ? { kernel: 3, stride: 1 } : { kernel: 7, stride: 2 };
  const stem = { ...window, inPlanes: inChannels, planes: width };
  let x = graph.node('Relu', [layer(graph, images, ['conv1', 'bn1'], stem)], 'relu');
  if (!smallInput) {
    const pooling = { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] };
    x = graph.node('MaxPool', [x], 'maxpool', pooling);
  }
  for (const place of blockPlaces(config)) x = addBlock(graph, x, place, config.block);
  const pooled = graph.node('ReduceMean', [x], 'avgpool', { axes: [2, 3], keepdims: { int: 0 } });
  if (numClasses === 0) graph.output('features', pooled, [batchAxis, last]);
  else {
    const logits = graph.linear(pooled, 'fc', { inFeatures: last, outFeatures: numClasses });
    graph.output('logits', logits, [batchAxis, numClasses]);
  }
  graph.assertAllUsed(/num_batches_tracked$/);
}

// `BasicBlock` of basicBlock.ts, `Bottleneck` of bottleneck.ts.
function addBlock(
  graph: OnnxGraph,
  x: Value,
  place: BlockPlace,
  block: ResNetConfig['block'],
): Value {
  const { path, inPlanes, planes, outPlanes, stride } = place;
  const sizes: ConvSize[] =
    block === 'bottleneck'
      ? [
          { inPlanes, planes, kernel: 1, stride: 1 },
          { inPlanes: planes, planes, kernel: 3, stride },
          { inPlanes: planes, planes: outPlanes, kernel: 1, stride: 1 },
        ]
      : [
          { inPlanes, planes, kernel: 3, stride },
          { inPlanes: planes, planes: outPlanes, kernel: 3, stride: 1 },
        ];
  let branch = x;
  sizes.forEach((size, i) => {
    if (i > 0) branch = graph.node('Relu', [branch], `${path}.relu${i}`);
    branch = layer(graph, branch, [`${path}.conv${i + 1}`, `${path}.bn${i + 1}`], size);
  });
  const names = [`${path}.downsample.0`, `${path}.downsample.1`] as const;
  const shortcut = changesShape(place)
    ? layer(graph, x, names, { inPlanes, planes: outPlanes, kernel: 1, stride })
    : x;
  return graph.node('Relu', [graph.node('Add', [branch, shortcut], `${path}.sum`)], path);
}

interface ConvSize {
  inPlanes: number;
  planes: number;
  kernel: number;
  stride: number;
}

// A convolution without a bias and its batch norm.
function layer(
  graph: OnnxGraph,
  x: Value,
  [conv, norm]: readonly [string, string],
  { inPlanes, planes, kernel, stride }: ConvSize,
): Value {
  const weight = graph.weight(`${conv}.weight`, [planes, inPlanes, kernel, kernel]);
  const border = (kernel - 1) / 2;
  const sums = graph.node('Conv', [x, weight], conv, {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [border, border, border, border],
  });
  const names = ['weight', 'bias', 'running_mean', 'running_var'];
  const weights = names.map((name) => graph.weight(`${norm}.${name}`, [planes]));
  const attributes = { epsilon: { float: epsilon } };
  return graph.node('BatchNormalization', [sums, ...weights], norm, attributes);
}
