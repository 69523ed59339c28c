import { readFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { CheckpointError, InputError, UnsupportedError } from '../lib/core/errors.ts';
import { Rng } from '../lib/core/rng.ts';
import { hostTensor } from '../lib/checkpoints/hostTensor.ts';
import {
  checkpointFormats,
  readTensors,
  registerCheckpointFormat,
} from '../lib/checkpoints/readTensors.ts';
import { formatSafetensors } from '../lib/checkpoints/safetensors.ts';
import { readCheckpoint } from '../lib/io/checkpointFile.ts';
import { createModel } from '../lib/models/createModel.ts';
import { loadModel } from '../lib/models/loadModel.ts';
import { modelTensors } from '../lib/checkpoints/modelState.ts';
import { MemoryStore } from './support/training.ts';
import type { CheckpointFormat } from '../lib/checkpoints/checkpointFormat.ts';
import type { HostTensor } from '../lib/checkpoints/hostTensor.ts';

const text = (content: string): Uint8Array => Uint8Array.from(content, (c) => c.charCodeAt(0));
const zip = (entry: string): Uint8Array =>
  text(`PK\u0003\u0004${'\0'.repeat(26)}${entry}${'\0'.repeat(40)}`);

async function refusal(bytes: Uint8Array): Promise<Error> {
  try {
    await readTensors(bytes, 'x.safetensors');
  } catch (error) {
    return error as Error;
  }
  throw new Error('accepted');
}

describe('a format is found by content', () => {
  const weight = hostTensor([2], Float32Array.of(1, 2));

  test('safetensors under any name, with where it came from', async () => {
    const file = formatSafetensors(new Map([['w', weight]]), { format: 'pt' });
    const read = await readTensors(file, 'model.pth');
    expect(read).toEqual({
      tensors: new Map([['w', weight]]),
      metadata: new Map([['format', 'pt']]),
      format: 'safetensors',
      source: 'model.pth',
    });
  });

  test('a safetensors file that is cut short is called damaged, not unknown', async () => {
    const file = formatSafetensors(new Map([['w', weight]]));
    for (const length of [9, 20, file.length - 1]) {
      const error = await refusal(file.subarray(0, length));
      expect(error).toBeInstanceOf(CheckpointError);
      expect(error.message).toMatch(/a header within|cut short/);
    }
  });

  const foreign: [string, Uint8Array, RegExp, 'weights' | 'none'][] = [
    [
      'a Git LFS pointer',
      text('version https://git-lfs.github.com/spec/v1\n'),
      /git lfs pull/,
      'none',
    ],
    ['an HTML page', text('\n<!doctype html><p>404'), /HTML page.*Download/, 'none'],
    ['an HTML page without doctype', text('<HTML><p>404'), /HTML page/, 'none'],
    ['an error of an object store', text('<?xml version="1.0"?><Error>'), /XML document/, 'none'],
    ['a pickle', text('\x80\x04\x95\x10'), /Python pickle/, 'none'],
    ['Keras', zip('metadata.json'), /Keras/, 'weights'],
    ['another zip archive', zip('photo.png'), /a zip archive\. It holds neither/, 'none'],
    ['an array of NumPy', text('\x93NUMPY\x01\x00'), /\.npy/, 'weights'],
    ['HDF5', text('\x89HDF\r\n\x1a\n'), /HDF5/, 'weights'],
    ['GGUF', text('GGUF\x03\0\0\0'), /GGUF/, 'weights'],
    ['TensorFlow Lite', text('\x1c\0\0\0TFL3'), /TensorFlow Lite/, 'weights'],
    ['ONNX', text('\x08\x07\x12\x07pytorch'), /ONNX/, 'weights'],
    ['gzip', text('\x1f\x8b\x08\0'), /gzip.*Unpack/, 'none'],
    ['tar', text(`model.safetensors${'\0'.repeat(240)}ustar`), /tar archive/, 'none'],
    ['a configuration', text('{"hidden_size": 8}'), /JSON text/, 'none'],
  ];
  test.each(foreign)('%s is named, with what to do', async (_, bytes, message, holds) => {
    const error = await refusal(bytes);
    expect(error.message).toMatch(
      /^Expected a checkpoint \(safetensors, pytorch,.*\) as "x\.safetensors", received /,
    );
    expect(error.message).toMatch(message);
    expect(error).toBeInstanceOf(holds === 'weights' ? UnsupportedError : CheckpointError);
  });

  test.each<[string, Uint8Array, RegExp]>([
    ['PyTorch', zip('archive/data.pkl'), /zip archive.*cut short/],
    ['PyTorch before 1.6', text('\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.'), /of the pickle/],
    ['an index of shards', text('{"metadata": {}, "weight_map": {}}'), /weight_map/],
  ])('%s, of which only the beginning is there, is called damaged', async (_, bytes, message) => {
    const error = await refusal(bytes);
    expect(error).toBeInstanceOf(CheckpointError);
    expect(error.message).toMatch(message);
  });

  test('nothing, and bytes that tell nothing', async () => {
    expect((await refusal(new Uint8Array(0))).message).toMatch(/received an empty file/);
    expect((await refusal(Uint8Array.of(1, 2, 255))).message).toMatch(/3 bytes.*01 02 ff/);
  });

  test('the golden Git LFS pointer', async () => {
    const file = 'goldens/checkpoints/git-lfs-pointer.safetensors';
    const pointer = readFileSync(path.join(__dirname, file));
    expect((await refusal(pointer)).message).toMatch(/Git LFS pointer/);
  });

  test('random bytes are refused with a CheckpointError or an UnsupportedError', async () => {
    const rng = new Rng(7);
    for (let round = 0; round < 2000; round += 1) {
      const bytes = Uint8Array.from({ length: rng.integer(40) }, () => rng.integer(256));
      const error = await refusal(bytes);
      expect(error instanceof CheckpointError || error instanceof UnsupportedError).toBe(true);
    }
  });
});

// A toy format in two files: "LIST", then the name of a file on each line, each a safetensors file.
const list: CheckpointFormat = {
  name: 'list',
  matches: (bytes) => String.fromCharCode(...bytes.subarray(0, 5)) === 'LIST\n',
  read: async (bytes, name, beside) => {
    const tensors = new Map<string, HostTensor>();
    for (const part of new TextDecoder().decode(bytes).split('\n').slice(1)) {
      const read = await readTensors(await beside(part), `${name}: ${part}`);
      for (const [key, tensor] of read.tensors) tensors.set(key, tensor);
    }
    return { tensors, metadata: new Map([['parts', 'list']]) };
  },
};

describe('a format from outside', () => {
  const own = ['safetensors', 'pytorch', 'pytorch-legacy', 'npz', 'sharded'];
  beforeAll(() => {
    expect(checkpointFormats()).toEqual(own);
    registerCheckpointFormat(list);
  });

  const config = { imageSize: 8, patchSize: 4, embedDim: 12, depth: 1, numHeads: 2, numClasses: 3 };

  function shards(): { model: ReturnType<typeof createModel>; files: Map<string, Uint8Array> } {
    const model = createModel('vit_tiny_patch16_224', config);
    const tensors = [...modelTensors(model)];
    const half = Math.floor(tensors.length / 2);
    const files = new Map([
      ['model.safetensors', text('LIST\na.part\nb.part')],
      ['a.part', formatSafetensors(new Map(tensors.slice(0, half)))],
      ['b.part', formatSafetensors(new Map(tensors.slice(half)))],
      ['config.json', text(JSON.stringify(config))],
    ]);
    return { model, files };
  }

  test('has a name of its own', () => {
    expect(checkpointFormats()).toEqual([...own, 'list']);
    expect(() => registerCheckpointFormat(list)).toThrow(InputError);
    expect(() => registerCheckpointFormat({ ...list, name: 'safetensors' })).toThrow(InputError);
  });

  test('serves loadModel from a store, with files beside the first', async () => {
    const { model, files } = shards();
    const store = new MemoryStore();
    for (const [name, bytes] of files) store.files.set(name, bytes);
    const loaded = await loadModel(store);
    expect(modelTensors(loaded)).toEqual(modelTensors(model));
    model.dispose();
    loaded.dispose();
  });

  test('serves readCheckpoint from a folder, and loadModel with what it read', async () => {
    const { model, files } = shards();
    const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'vit-formats-'));
    try {
      for (const [name, bytes] of files) await fs.writeFile(path.join(folder, name), bytes);
      const checkpoint = await readCheckpoint(folder);
      const { format, source, metadata } = checkpoint;
      expect([format, source]).toEqual(['list', path.join(folder, 'model.safetensors')]);
      expect([...metadata]).toEqual([['parts', 'list']]);
      const loaded = await loadModel(checkpoint, { config });
      expect(modelTensors(loaded)).toEqual(modelTensors(model));
      loaded.dispose();
    } finally {
      await fs.rm(folder, { recursive: true });
      model.dispose();
    }
  });

  test('has no files beside bytes, and none outside the folder', async () => {
    const bytes = text('LIST\na.part');
    await expect(readTensors(bytes, 'm')).rejects.toThrow(/Give the folder of "m"/);
    const asked: string[] = [];
    const beside = (name: string): Promise<Uint8Array> => {
      asked.push(name);
      return Promise.resolve(formatSafetensors(new Map()));
    };
    for (const name of ['../a', '/etc/passwd', 'a/b', '..\\a', 'C:a', '..', '.hidden', 'a\0', '']) {
      await expect(readTensors(text(`LIST\n${name}`), 'm', beside)).rejects.toThrow(
        CheckpointError,
      );
    }
    expect(asked).toEqual([]);
    await readTensors(text('LIST\nmodel-00001-of-00002.safetensors'), 'm', beside);
    expect(asked).toEqual(['model-00001-of-00002.safetensors']);
  });
});
