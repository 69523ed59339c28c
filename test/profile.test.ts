// The profiler: everything is counted, nothing is counted twice, and no tensor stays behind.

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs';
import { nativeUnavailableReason } from '../lib/backends/native/index.ts';
import { selectBackend } from '../lib/backends/select.ts';
import type { ForwardContext } from '../lib/core/context.ts';
import * as contracts from '../lib/core/kernels.ts';
import { unmarked, type Phase } from '../lib/core/phase.ts';
import { gigaMacs, layerTable } from '../lib/models/layerTable.ts';
import { hasFastKernel } from '../lib/ops/kernel.ts';
import { chromeTrace } from '../lib/profile/chromeTrace.ts';
import { ownCosts } from '../lib/profile/ownCosts.ts';
import { profileKernels, type KernelProfile } from '../lib/profile/profileKernels.ts';
import { enclosing } from '../lib/profile/recorder.ts';
import { valueAndGrad } from '../lib/training/valueAndGrad.ts';
import { build, images } from './support/tinyModel.ts';
import { expectNested, type TraceEvent } from './support/traceEvents.ts';

// As in a user's program: in test mode tfjs reports the tensors that an op saves for its backward pass as a leak.
beforeAll(() => tf.env().set('IS_TEST', false));

const batch = 2;
const depth = 2;
const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
const rowOf = ({ rows }: KernelProfile, name: string) => rows.find(({ kernel }) => kernel === name);
const callsOf = (profile: KernelProfile, name: string) => rowOf(profile, name)?.calls ?? 0;
const eventsOf = (profile: KernelProfile) =>
  (JSON.parse(chromeTrace(profile.spans)) as { traceEvents: TraceEvent[] }).traceEvents;

describe.each(['native', 'wasm', 'cpu'] as const)('on %s', (backend) => {
  const missing = backend === 'native' ? nativeUnavailableReason() : undefined;
  if (missing !== undefined) {
    test.skip(missing, () => undefined);
    return;
  }
  beforeAll(() => selectBackend({ backend }));

  test('a forward pass: calls, products and shares', async () => {
    const model = build();
    const x = images([batch, 16, 16, 3]);
    const forward = (context: ForwardContext = {}) =>
      tf.tidy(() => model.forward(x, context).dataSync());
    const plain = forward();
    let inside: Float32Array | Int32Array | Uint8Array | undefined;
    const profile = await profileKernels(({ intercept }) => void (inside = forward({ intercept })));
    expect(inside).toEqual(plain);
    expect(profile.backend).toBe(backend);
    // Where a branch is one kernel, only the patches, the last norm and the head are apart.
    const small = hasFastKernel('VitMlpBranch') ? 0 : depth;
    expect(callsOf(profile, 'VitMlpBranch')).toBe(depth - small);
    expect(callsOf(profile, 'VitAttentionBranch')).toBe(depth - small);
    expect(callsOf(profile, 'VitLinear')).toBe(1 + 4 * small + 1);
    expect(callsOf(profile, 'VitLayerNorm')).toBe(2 * small + 1);
    expect(callsOf(profile, 'VitQkvAttention')).toBe(small);
    expect(profile.work.macs).toBe(Math.round(gigaMacs(model.config) * 1e9) * batch);
    // A kernel that fuses several, or its references, lies in the span of its block.
    const places = profile.spans
      .filter(({ name }) => name === (small > 0 ? 'VitQkvAttention' : 'VitAttentionBranch'))
      .map((span) => enclosing(span, 'part')?.name);
    expect(places).toEqual(['blocks.0', 'blocks.1']);
    expectWhole(profile);
    model.dispose();
    x.dispose();
  });

  test('a training step: products of the gradients, phases, a nested trace', async () => {
    const model = build();
    const x = images([batch, 16, 16, 3]);
    const plain = gradientsOf(model, x);
    let inside: unknown;
    const profile = await profileKernels(async ({ step, phase, intercept }) => {
      await step(async () => {
        await phase('data', () => tf.nextFrame());
        inside = gradientsOf(model, x, { intercept }, phase);
      });
    });
    expect(inside).toEqual(plain);
    // Two products for each of a linear layer, one for the patches, whose pixels need none; five for the two of attention.
    const rows = layerTable(model.config);
    const macs = (which: (row: (typeof rows)[number]) => boolean) =>
      sum(rows.filter(which).map((row) => row.macs));
    const attention = macs(({ kind }) => kind.startsWith('Attention'));
    const patches = macs(({ kind }) => kind === 'PatchEmbed');
    const all = macs(() => true);
    const linear = all - attention - patches;
    expect(profile.work.macs).toBe(batch * (all + 2 * linear + patches + 2.5 * attention));
    expect(profile.phases.map(({ phase }) => phase)).toEqual([
      'data',
      'forward',
      'backward',
      'other',
    ]);
    for (const { phase, kernelMs, ms } of profile.phases) {
      expect(kernelMs).toBeLessThanOrEqual(ms);
      if (/ward/.test(phase)) expect(kernelMs).toBeGreaterThan(0);
    }
    expectWhole(profile);
    expectNested(eventsOf(profile));
    model.dispose();
    x.dispose();
  });

  test('everything is put back, also when the body throws', async () => {
    const model = build();
    const x = images([batch, 16, 16, 3]);
    // The first pass registers what this backend runs by reference.
    gradientsOf(model, x);
    await profileKernels(() => undefined);
    const before = registry(backend);
    const failing = profileKernels(({ intercept }) => {
      expect(registry(backend)).not.toEqual(before);
      tf.tidy(() => model.forward(x, { intercept }));
      throw new Error('the body failed');
    });
    await expect(failing).rejects.toThrow('the body failed');
    expect(registry(backend)).toEqual(before);
    await profileKernels(({ intercept, phase }) => gradientsOf(model, x, { intercept }, phase));
    expect(registry(backend)).toEqual(before);
    model.dispose();
    x.dispose();
  });
});

describe('spans', () => {
  beforeAll(() => selectBackend({ backend: 'cpu' }));

  test('kernels lie in the part that asked for them, in both directions', async () => {
    const model = build();
    const x = images([batch, 16, 16, 3]);
    const { spans } = await profileKernels(({ intercept, phase }) =>
      gradientsOf(model, x, { intercept }, phase),
    );
    const places = (phase: string, kernel: string) =>
      spans
        .filter((span) => span.name === kernel && enclosing(span, 'phase')?.name === phase)
        .map((span) => enclosing(span, 'part')?.name);
    const norms = ['blocks.0', 'blocks.0', 'blocks.1', 'blocks.1', 'norm'];
    expect(places('forward', 'VitLayerNorm')).toEqual(norms);
    expect(places('backward', 'VitLayerNormGrad')).toEqual([...norms].reverse());
    const biases = [
      'patch_embed.proj',
      ...norms.slice(0, 4).flatMap((block) => [block, block]),
      'head',
    ];
    expect(places('forward', 'VitLinear')).toEqual(biases);
    expect(places('backward', 'VitBiasGrad')).toEqual([...biases].reverse());
    model.dispose();
    x.dispose();
  });

  test('a backward pass that no phase encloses ends its spans where the next forward pass begins', async () => {
    const model = build();
    const x = images([batch, 16, 16, 3]);
    const { spans } = await profileKernels(({ intercept }) => {
      gradientsOf(model, x, { intercept });
      tf.tidy(() => model.forward(x, { intercept }));
    });
    const blocks = spans.filter(({ kind, name }) => kind === 'part' && name === 'blocks.0');
    // Forward, backward, forward.
    expect(blocks.map(({ parent }) => parent)).toEqual([undefined, undefined, undefined]);
    expect(blocks[1]!.end).toBeLessThanOrEqual(blocks[2]!.start);
    expect(spans.every(({ end }) => !Number.isNaN(end))).toBe(true);
    model.dispose();
    x.dispose();
  });

  test('a forward pass that the backward pass runs again belongs to that', async () => {
    const model = build();
    const x = images([batch, 16, 16, 3]);
    const profile = await profileKernels(({ intercept, phase }) =>
      gradientsOf(model, x, { intercept, recompute: true }, phase),
    );
    const again = profile.spans.filter(
      (span) => span.name === 'VitQkvAttention' && enclosing(span, 'phase')?.name === 'backward',
    );
    expect(again.map((span) => enclosing(span, 'part')?.name)).toEqual(['blocks.1', 'blocks.0']);
    expectWhole(profile);
    expectNested(eventsOf(profile));
    model.dispose();
    x.dispose();
  });
});

describe('times, by a clock that only kernels move', () => {
  let now = 0;
  const register = (kernelName: string, run: () => void) =>
    tf.registerKernel({
      kernelName,
      backendName: 'cpu',
      kernelFunc: ({ inputs }) => {
        run();
        return tf.clone(inputs['x'] as tf.Tensor);
      },
    });
  let x: tf.Tensor;
  const call = (kernelName: string): tf.Tensor => tf.engine().runKernel(kernelName, { x });

  beforeAll(async () => {
    await selectBackend({ backend: 'cpu' });
    x = tf.ones([10]);
    let left = 2;
    register('TestInner', () => (now += 3));
    register('TestOuter', () => {
      for (let i = 0; i < 2; i += 1) {
        now += 1;
        tf.dispose(call('TestInner'));
      }
    });
    register('TestAgain', () => {
      now += 5;
      left -= 1;
      if (left > 0) tf.dispose(call('TestAgain'));
    });
    register('TestFails', () => {
      now += 7;
      throw new Error('no such luck');
    });
  });
  beforeEach(() => {
    now = 1000;
    jest.spyOn(performance, 'now').mockImplementation(() => now);
  });
  afterEach(() => jest.restoreAllMocks());
  afterAll(() => {
    x.dispose();
    for (const name of ['Inner', 'Outer', 'Again', 'Fails'])
      tf.unregisterKernel(`Test${name}`, 'cpu');
  });

  test('a kernel within another is in both totals and in one self time', async () => {
    const profile = await profileKernels(({ phase }) =>
      tf.tidy(() => {
        now += 4;
        phase('data', () => {
          now += 2;
          call('TestOuter');
        });
        call('TestInner');
      }),
    );
    expect(profile.ms).toBe(17);
    expect(rowOf(profile, 'TestOuter')).toMatchObject({ calls: 1, selfMs: 2, totalMs: 8 });
    expect(rowOf(profile, 'TestInner')).toMatchObject({ calls: 3, selfMs: 9, totalMs: 9 });
    expect(rowOf(profile, 'TestInner')!.share).toBeCloseTo(9 / 17, 12);
    expect(profile.outside).toEqual({ ms: 6, share: 6 / 17 });
    expect(profile.phases).toEqual([
      { phase: 'data', ms: 10, share: 10 / 17, kernelMs: 8 },
      { phase: 'other', ms: 7, share: 7 / 17, kernelMs: 3 },
    ]);
    // Without a formula: no operations and no speed, but bytes.
    expect(rowOf(profile, 'TestOuter')).toMatchObject({ flops: undefined, bytes: 80 });
    expect(rowOf(profile, 'TestOuter')!.gflops).toBeUndefined();
  });

  test('a kernel that calls itself counts once', async () => {
    const profile = await profileKernels(() => tf.tidy(() => void call('TestAgain')));
    expect(rowOf(profile, 'TestAgain')).toMatchObject({ calls: 2, selfMs: 10, totalMs: 10 });
    expect(profile.outside.ms).toBe(0);
  });

  test('a kernel that throws has had its time', async () => {
    const profile = await profileKernels(() => {
      expect(() => tf.tidy(() => call('TestFails'))).toThrow('no such luck');
      tf.tidy(() => call('TestInner'));
    });
    expect(rowOf(profile, 'TestFails')).toMatchObject({ calls: 1, selfMs: 7, bytes: 0 });
    expect(rowOf(profile, 'TestInner')).toMatchObject({ calls: 1, selfMs: 3 });
    expect(profile.spans.every(({ end }) => !Number.isNaN(end))).toBe(true);
  });
});

test('one profile at a time, and after a failure the next', async () => {
  const first = profileKernels(() => tf.nextFrame());
  await expect(profileKernels(() => undefined)).rejects.toThrow('one profile at a time');
  await first;
  await profileKernels(() => undefined);
});

test('every kernel of ours has a formula', () => {
  const names = Object.values(contracts).filter((value) => typeof value === 'string');
  expect(names.length).toBeGreaterThan(10);
  expect(Object.keys(ownCosts)).toEqual(expect.arrayContaining(names));
});

function expectWhole({ rows, outside, phases }: KernelProfile): void {
  expect(sum(rows.map(({ share }) => share)) + outside.share).toBeCloseTo(1, 9);
  expect(sum(phases.map(({ share }) => share))).toBeCloseTo(1, 9);
  expect(outside.ms).toBeGreaterThan(0);
  for (const { selfMs, totalMs } of rows) {
    expect(selfMs).toBeGreaterThanOrEqual(-1e-9);
    expect(totalMs).toBeGreaterThanOrEqual(selfMs - 1e-9);
  }
}

function gradientsOf(
  model: ReturnType<typeof build>,
  x: tf.Tensor4D,
  context: ForwardContext = {},
  phase: Phase = unmarked,
): number[][] {
  const loss = () => tf.sum(tf.square(model.forward(x, context))) as tf.Scalar;
  const { value, gradients } = valueAndGrad(model, loss, { phase });
  const values = [...model.namedParameters().keys()].map((name) => [
    ...gradients.get(name)!.dataSync(),
  ]);
  tf.dispose([value, ...gradients.values()]);
  return values;
}

function registry(backend: string): Map<string, tf.KernelFunc> {
  const kernels = tf.getKernelsForBackend(backend);
  return new Map(kernels.map(({ kernelName, kernelFunc }) => [kernelName, kernelFunc]));
}
