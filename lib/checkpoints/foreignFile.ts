// Files that people give as a checkpoint and that no format of ours reads, recognised by their first bytes.

/**
 * A file that is recognised and not read.
 *
 * @property what       how a message calls it: 'a Git LFS pointer'
 * @property remedy     one sentence on what to do about it
 * @property container  true: it holds weights, in a format that is not read; false: it holds none
 */
export interface ForeignFile {
  what: string;
  remedy: string;
  container: boolean;
}

// A reader of one format says so; `readTensors` reads them.
const otherReader = 'readTensors finds the format of a file by itself.';
const exportRemedy = 'Export its weights as a .safetensors file.';
const unpackRemedy = 'Unpack it, and give the .safetensors file in it.';
const downloadAgain = 'Download the file again.';

/* eslint-disable no-control-regex -- signatures of binary files */
// The first that matches counts. A text in `start` has a character for each byte.
const signatures: readonly (readonly [
  start: RegExp,
  what: string,
  remedy: string,
  container?: 'weights',
])[] = [
  [/^version https:\/\/git-lfs/, 'a Git LFS pointer', 'Fetch the file itself with "git lfs pull".'],
  [/^\s*<(!doctype html|html)/i, 'an HTML page', downloadAgain],
  [/^\s*<(\?xml|error|!doctype)/i, 'an XML document', downloadAgain],
  // A zip archive is told by the name of its first entry, which begins at byte 30.
  [
    /^PK\x03\x04[^]{26}[^/]+\/(data\.pkl|\.format_version|byteorder|version|constants\.pkl)/,
    'a zip archive of PyTorch',
    otherReader,
    'weights',
  ],
  [/^PK\x03\x04[^]{26}[^\x00]{0,200}\.npy/, 'a zip archive of NumPy (.npz)', otherReader, 'weights'],
  [/^PK\x03\x04[^]{26}(metadata|config)\.json/, 'a zip archive of Keras', exportRemedy, 'weights'],
  [/^PK\x03\x04/, 'a zip archive', 'It holds neither a pickle of PyTorch nor arrays of NumPy.'],
  // torch.save before PyTorch 1.6: the magic number 0x1950a86a20f9469cfc6c, pickled.
  [/^\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19/, 'a pickle of PyTorch', otherReader, 'weights'],
  [/^\x80[\x02-\x05]/, 'a Python pickle', 'It is no file of torch.save, which would begin otherwise.'],
  [/^\x89HDF\r\n\x1a\n/, 'an HDF5 file, as Keras writes', exportRemedy, 'weights'],
  [/^\x93NUMPY/, 'a NumPy array (.npy)', exportRemedy, 'weights'],
  [/^GGUF/, 'a GGUF file', exportRemedy, 'weights'],
  [/^[^]{4}TFL3/, 'a TensorFlow Lite model', exportRemedy, 'weights'],
  // ONNX is a protobuf without a signature: field 1 (ir_version), then the producer, the opset or the graph.
  [/^\x08[\x01-\x1f][\x12\x3a\x42]/, 'an ONNX model', exportRemedy, 'weights'],
  [/^\x1f\x8b/, 'a gzip archive', unpackRemedy],
  [/^[^]{257}ustar/, 'a tar archive', unpackRemedy],
  [/^\s*\{/, 'a JSON text', 'Give the file of weights beside it.'],
];
/* eslint-enable no-control-regex */

/** The kind of a file that no checkpoint format reads; undefined if its first bytes tell nothing. */
export function recognizeForeignFile(bytes: Uint8Array): ForeignFile | undefined {
  const start = String.fromCharCode(...bytes.subarray(0, 4096));
  for (const [pattern, what, remedy, container] of signatures) {
    if (pattern.test(start)) return { what, remedy, container: container !== undefined };
  }
  return undefined;
}
