// Writes a graph as an ONNX file.

import { InputError, expected } from '../../core/errors.ts';
import { sizeOf } from '../../core/check.ts';
import { Message } from './protobuf.ts';
import type { Attribute, Initializer, OnnxGraph, OnnxNode, Port } from './onnxGraph.ts';

// Version 8 of the format came with operator set 17 (ONNX 1.12, 2022), the first with LayerNormalization.
const irVersion = 8;
const operatorSet = 17;
const producer = 'tfjs-vit';

// Protocol buffers hold no message of 2 GiB; the rest is for the graph itself.
const maxBytes = 2 ** 31 - 1;

// The numbers of onnx.proto.
const elementTypes = { float32: 1, int64: 7 } as const;
const elementBytes = { float32: 4, int64: 8 } as const;
const attributeTypes = { float: 1, int: 2, ints: 7 } as const;

/**
 * A graph as the bytes of a file of ONNX, operator set 17, which ONNX Runtime 1.12 and newer runs.
 *
 * @param metadata  texts by key, as `metadata_props`
 * @throws InputError for weights of 2 GiB or more, which one file of ONNX cannot hold
 *
 * Source: onnx/onnx.proto of ONNX 1.12.
 */
export function formatOnnx(
  graph: OnnxGraph,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const body = new Message();
  for (const node of graph.nodes) body.message(1, nodeMessage(node));
  body.text(2, 'model');
  for (const [name, initializer] of graph.initializers) {
    body.message(5, tensorMessage(name, initializer));
  }
  for (const port of graph.inputs) body.message(11, portMessage(port));
  for (const port of graph.outputs) body.message(12, portMessage(port));
  const file = new Message()
    .integer(1, irVersion)
    .text(2, producer)
    .message(7, body)
    .message(8, new Message().text(1, '').integer(2, operatorSet));
  for (const [key, value] of Object.entries(metadata)) {
    file.message(14, new Message().text(1, key).text(2, value));
  }
  if (file.length > maxBytes) {
    const remedy = 'ONNX would need a second file, which is not written. Convert to safetensors instead.';
    throw new InputError(expected('a model below 2 GiB for ONNX', 'its bytes', file.length, remedy));
  }
  return file.bytes();
}

function nodeMessage({ op, inputs, outputs, attributes }: OnnxNode): Message {
  const message = new Message();
  for (const name of inputs) message.text(1, name);
  for (const name of outputs) message.text(2, name);
  message.text(3, outputs[0]!).text(4, op);
  for (const [name, value] of Object.entries(attributes)) {
    message.message(5, attributeMessage(name, value));
  }
  return message;
}

function attributeMessage(name: string, value: Attribute): Message {
  const message = new Message().text(1, name);
  if ('int' in value) return message.integer(3, value.int).integer(20, attributeTypes.int);
  if ('float' in value) return message.float(2, value.float).integer(20, attributeTypes.float);
  for (const one of value) message.integer(8, one);
  return message.integer(20, attributeTypes.ints);
}

function tensorMessage(name: string, initializer: Initializer): Message {
  const { kind, dims } = initializer;
  const length = sizeOf(dims) * elementBytes[kind];
  const bytes = () => {
    const { buffer, byteOffset, byteLength } = initializer.values();
    return new Uint8Array(buffer, byteOffset, byteLength);
  };
  return new Message()
    .packed(1, dims)
    .integer(2, elementTypes[kind])
    .text(8, name)
    .blob(9, { length, bytes });
}

function portMessage({ name, dims }: Port): Message {
  const shape = new Message();
  for (const size of dims) {
    const axis = new Message();
    shape.message(1, typeof size === 'number' ? axis.integer(1, size) : axis.text(2, size));
  }
  const tensor = new Message().integer(1, elementTypes.float32).message(2, shape);
  return new Message().text(1, name).message(2, new Message().message(1, tensor));
}
