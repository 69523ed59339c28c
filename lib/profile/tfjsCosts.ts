// The costs of tfjs's kernels, by their names in tfjs's registry. A kernel that is not here is timed, and its bytes are counted.

import { sizeOf } from '../core/check.ts';
import { bytesOf, type Cost, type Described, type KernelCall } from './cost.ts';

const product: Cost = ({ inputs: { a }, attrs, outputs }) => {
  const inner = a!.shape.at(attrs['transposeA'] === true ? -2 : -1)!;
  return { macs: sizeOf(outputs[0]!.shape) * inner };
};

// A filter is [height, width, in, out], of a depthwise one [height, width, in, multiplier]; with depth first in 3D. Whichever of
// image, filter and result is sought, the multiply-adds are those of the forward pass.
const convolution: Cost = (call) => ({
  macs: sizeOf(resultOf(call).shape) * sizeOf(filterOf(call).shape.slice(0, -1)),
});
const depthwise: Cost = (call) => ({
  macs: sizeOf(resultOf(call).shape) * sizeOf(filterOf(call).shape.slice(0, -2)),
});
// The result of the forward pass has the shape of its gradient `dy`, and is the output where there is no `dy`.
const resultOf = ({ inputs, outputs }: KernelCall): Described => inputs['dy'] ?? outputs[0]!;
const filterOf = ({ inputs, outputs }: KernelCall): Described => inputs['filter'] ?? outputs[0]!;

const pool: Cost = ({ attrs, outputs }) => {
  const size = attrs['filterSize'] as number | readonly number[];
  const [height, width] = typeof size === 'number' ? [size, size] : [size[0]!, size[1]!];
  return { flops: sizeOf(outputs[0]!.shape) * height * width };
};

const elementwise =
  (operations: number): Cost =>
  ({ outputs }) => ({ flops: operations * sizeOf(outputs[0]!.shape) });
const reduction: Cost = ({ inputs: { x } }) => ({ flops: sizeOf(x!.shape) });
const sumOfMany: Cost = ({ inputs, outputs }) => ({
  flops: (Object.keys(inputs).length - 1) * sizeOf(outputs[0]!.shape),
});
const move: Cost = () => ({ flops: 0 });
const write: Cost = ({ outputs }) => ({ flops: 0, bytes: bytesOf(outputs) });
// Only the requested elements are read.
const pick: Cost = ({ outputs }) => ({ flops: 0, bytes: 2 * bytesOf(outputs) });
// Another shape for the same data.
const view: Cost = () => ({ flops: 0, bytes: 0 });

function all(cost: Cost, names: string): Record<string, Cost> {
  return Object.fromEntries(names.split(/\s+/).map((name) => [name, cost]));
}

/** The formula of each kernel of tfjs that has one. */
export const tfjsCosts: Readonly<Record<string, Cost>> = {
  ...all(product, 'BatchMatMul _FusedMatMul'),
  ...all(
    convolution,
    `Conv2D Conv2DBackpropFilter Conv2DBackpropInput Conv3D Conv3DBackpropFilterV2 Conv3DBackpropInputV2 FusedConv2D`,
  ),
  ...all(
    depthwise,
    `DepthwiseConv2dNative DepthwiseConv2dNativeBackpropFilter DepthwiseConv2dNativeBackpropInput FusedDepthwiseConv2D`,
  ),
  ...all(pool, 'MaxPool AvgPool'),
  ...all(
    elementwise(1),
    `Abs Acos Acosh Add Asin Asinh Atan Atan2 Atanh Ceil Cos Cosh Elu Equal Erf Exp Expm1 Floor FloorDiv Greater
     GreaterEqual IsFinite IsInf IsNan LeakyRelu Less LessEqual Log Log1p LogicalAnd LogicalNot LogicalOr Maximum Minimum
     Mod Multiply Neg NotEqual Pow Prelu RealDiv Reciprocal Relu Relu6 Round Rsqrt Selu Sigmoid Sign Sin Sinh
     Softplus Sqrt Square Step Sub Tan Tanh`,
  ),
  ...all(elementwise(2), 'ClipByValue EluGrad SquaredDifference'),
  FusedBatchNorm: elementwise(4),
  ...all(elementwise(5), 'Softmax LogSoftmax'),
  AddN: sumOfMany,
  ...all(reduction, 'All Any ArgMax ArgMin Cumprod Cumsum Max Mean Min Prod Sum'),
  ...all(
    move,
    `BatchToSpaceND BroadcastTo Cast Concat DepthToSpace MirrorPad OneHot Pack PadV2 Reverse Select SpaceToBatchND SplitV
     Tile Transpose Unpack`,
  ),
  ...all(write, 'Fill LinSpace OnesLike Range ZerosLike'),
  ...all(pick, 'GatherNd GatherV2 Slice StridedSlice'),
  ...all(view, 'ExpandDims Identity Reshape'),
};
