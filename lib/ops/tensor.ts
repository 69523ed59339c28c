// The plain tfjs ops that the rooms above ops use, so that tfjs is imported for values in core, ops and backends only.
// Use it as `import * as tf from '../ops/tensor.ts'`; take types from '@tensorflow/tfjs' with `import type`.

export {
  abs, add, addN, all, argMax, broadcastTo, cast, clone, concat, cos, customGrad, dispose, div, engine, env, equal, exp,
  expandDims, eye, fill, gather, getBackend, getKernel, grad, grads, greater, greaterEqual, isFinite, keep, less, log, logSoftmax,
  matMul, max, maximum, mean, memory, min, minimum, mul, neg, nextFrame, oneHot, ones, onesLike, pad, pow, range, ready, relu,
  reshape, reverse, scalar, setBackend, sigmoid, sin, slice, softmax, split, sqrt, square, squeeze, stack, sub, sum, tensor,
  tensor1d, tensor2d, tensor3d, tensor4d, tidy, tile, topk, transpose, unstack, valueAndGrads, variable, variableGrads, where,
  zeros, zerosLike, backend, profile, removeBackend, registerBackend, findBackend, dropout, moments, tanh,
} from '@tensorflow/tfjs';
