// The fused ops of native run exactly where no interceptor wants a step.

import * as tf from '@tensorflow/tfjs';
import { nativeUnavailableReason } from '../lib/backends/native/index.ts';
import { selectBackend } from '../lib/backends/select.ts';
import { Capture } from '../lib/core/capture.ts';
import type { ForwardContext } from '../lib/core/context.ts';
import { Watcher, logitsOf } from './support/interceptors.ts';
import { build, gradients, images } from './support/tinyModel.ts';

const unavailable = nativeUnavailableReason();
if (unavailable !== undefined) {
  test.skip(`which ops run on native: ${unavailable}`, () => undefined);
} else {
  describe('the fused path runs exactly where no interceptor wants a step', () => {
    let model: ReturnType<typeof build>;
    let x: tf.Tensor4D;
    beforeAll(async () => {
      await selectBackend({ backend: 'native' });
      model = build({ depth: 4, layerScaleInit: 0.5 });
      x = images();
    });
    afterAll(() => {
      model.dispose();
      x.dispose();
    });

    // The calls of the fused kernels, and of an op that only runs unfused.
    function calls(context: ForwardContext, differentiate: boolean): Record<string, number> {
      const counts = { VitBranchChain: 0, VitAttentionBranch: 0, VitMlpBranch: 0, VitLinear: 0 };
      const originals = Object.keys(counts).map(
        (name) => tf.getKernel(name, 'native') as tf.KernelConfig,
      );
      const register = (config: tf.KernelConfig) => {
        tf.unregisterKernel(config.kernelName, 'native');
        tf.registerKernel(config);
      };
      for (const original of originals) {
        const name = original.kernelName as keyof typeof counts;
        const kernelFunc: tf.KernelFunc = (call) => {
          counts[name] += 1;
          return original.kernelFunc(call);
        };
        register({ ...original, kernelFunc });
      }
      try {
        if (differentiate) gradients(model, x, context);
        else logitsOf(model, x, context);
      } finally {
        originals.forEach(register);
      }
      return counts;
    }
    // The projection of the patches and the head.
    const outside = 2;
    const joined = {
      VitBranchChain: 1,
      VitAttentionBranch: 0,
      VitMlpBranch: 0,
      VitLinear: outside,
    };

    test('without an interceptor, and with one that wants nothing or nothing in a block', () => {
      expect(calls({}, false)).toEqual(joined);
      expect(calls({ intercept: new Watcher(/^$/) }, false)).toEqual(joined);
      const capture = new Capture(['patch_embed', 'norm', 'logits']);
      expect(calls({ intercept: capture }, false)).toEqual(joined);
      expect(capture.entries().size).toBe(3);
      capture.dispose();
    });

    test.each([
      [
        'blocks.1',
        { VitBranchChain: 2, VitAttentionBranch: 1, VitMlpBranch: 1, VitLinear: outside },
      ],
      [
        'blocks.3.output',
        { VitBranchChain: 1, VitAttentionBranch: 1, VitMlpBranch: 1, VitLinear: outside },
      ],
      [
        'blocks.2.attn.qkv',
        { VitBranchChain: 2, VitAttentionBranch: 0, VitMlpBranch: 1, VitLinear: 2 + outside },
      ],
      [
        'blocks.1.residual1',
        { VitBranchChain: 2, VitAttentionBranch: 0, VitMlpBranch: 1, VitLinear: 2 + outside },
      ],
      [
        'blocks.0.mlp.act',
        { VitBranchChain: 1, VitAttentionBranch: 1, VitMlpBranch: 0, VitLinear: 2 + outside },
      ],
      [
        'blocks.*.attn_probs',
        { VitBranchChain: 0, VitAttentionBranch: 0, VitMlpBranch: 4, VitLinear: 8 + outside },
      ],
    ])('%s is apart, the rest is fused', (name, wanted) => {
      const capture = new Capture([name]);
      expect(calls({ intercept: capture }, false)).toEqual(wanted);
      expect(capture.entries().size).toBeGreaterThan(0);
      capture.dispose();
    });

    test('in training each block runs its two fused branches, except the intercepted one', () => {
      const fused = {
        VitBranchChain: 0,
        VitAttentionBranch: 4,
        VitMlpBranch: 4,
        VitLinear: outside,
      };
      expect(calls({ training: true }, true)).toEqual(fused);
      const watcher = new Watcher(/^blocks\.2\.attn\.proj$/);
      expect(calls({ training: true, intercept: watcher }, true)).toEqual({
        ...fused,
        VitAttentionBranch: 3,
        VitLinear: 2 + outside,
      });
      expect(watcher.paths().filter((path) => path.startsWith('blocks.2.attn'))).toEqual([
        'blocks.2.attn.qkv',
        'blocks.2.attn.proj',
        'blocks.2.attn',
      ]);
    });
  });
}
