// A Vision Transformer in 60 lines, written from the layers: node --import tsx examples/customVit.ts [FOLDER]
//
// Its parameters have timm's names, so the library's VisionTransformer takes its weights and gives the same logits.

import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import * as vit from 'tfjs-vit/node';

const [imageSize, patchSize, dim, depth, numClasses] = [28, 7, 48, 2, 10];
const scope = { path: '', rng: new vit.Rng(1) };
const at = (name: string) => vit.inside(scope, name);

/** [B, 28, 28, 1] → [B, 10]: patches, a class token, positions, blocks, a norm and a head. */
class Vit extends vit.Module {
  readonly clsToken = this.parameter('cls_token', drawn('cls_token', 1));
  readonly posEmbed = this.parameter('pos_embed', drawn('pos_embed', 17));
  readonly patchEmbed = this.child('patch_embed', patches());
  readonly blocks = this.child('blocks', new vit.Sequence(blocks()));
  readonly norm = this.child('norm', new vit.LayerNorm({ dim }, at('norm')));
  readonly head = this.child('head', linear());

  forward(images: tf.Tensor4D, context: vit.ForwardContext = {}): tf.Tensor2D {
    return tf.tidy(() => {
      const embedded = this.patchEmbed.forward(images, context) as tf.Tensor3D; // [B, 16, C]
      const [batch] = embedded.shape;
      const cls = tf.tile(this.clsToken, [batch, 1, 1]);
      let x: tf.Tensor3D = tf.add(tf.concat([cls, embedded], 1), this.posEmbed); // [B, 17, C]
      for (const block of this.blocks.items) x = block.forward(x, context);
      const first = tf.slice(this.norm.forward(x, context), [0, 0, 0], [batch, 1, dim]);
      return this.head.forward(tf.reshape(first, [batch, dim]) as tf.Tensor2D, context);
    });
  }
}

function drawn(name: string, rows: number): tf.Tensor {
  return vit.initial(scope, name, [1, rows, dim], (shape, rng) => vit.init.truncNormal(shape, rng));
}

function patches(): vit.PatchEmbed {
  const sides = [patchSize, patchSize] as const;
  return new vit.PatchEmbed({ patchSize: sides, inChannels: 1, embedDim: dim }, at('patch_embed'));
}

// x + attention(norm1(x)), then x + mlp(norm2(x))
function blocks(): vit.Block[] {
  const config = { dim, numHeads: 4, mlpHiddenDim: 4 * dim };
  return Array.from({ length: depth }, (_, i) => new vit.Block(config, at(`blocks.${i}`)));
}

function linear(): vit.Linear {
  return new vit.Linear({ inFeatures: dim, outFeatures: numClasses }, at('head'));
}

console.log((await vit.selectBackend()).reason);
const [own, config] = [new Vit(), { imageSize, patchSize, inChannels: 1, numClasses }];
const library = new vit.VisionTransformer({ ...config, embedDim: dim, depth, numHeads: 4 });
vit.loadModelTensors(library, vit.modelTensors(own));
const images = tf.randomUniform<tf.Rank.R4>([3, 28, 28, 1]);
const apart = tf.max(tf.abs(tf.sub(own.forward(images), library.forward(images)))).dataSync()[0]!;
console.log(`${own.countParameters()} parameters; the same logits: ${apart < 1e-5}`);
await vit.saveModel(library, path.join(process.argv[2] ?? 'runs', 'customVit'));
