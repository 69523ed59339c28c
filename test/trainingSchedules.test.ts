import { InputError } from '../lib/core/errors.ts';
import { layerGroups } from '../lib/models/vit/layerGroups.ts';
import { paramGroupsLayerDecay, paramGroupsWeightDecay } from '../lib/training/paramGroups.ts';
import { makeSchedule } from '../lib/training/schedules.ts';
import type { ScheduleConfig } from '../lib/training/options/types.ts';

interface Row {
  name: string;
  base: number;
  config: ScheduleConfig;
  totalEpochs: number;
  rates: [t: number, rate: number][];
}

// Rates of timm 1.0.31's create_scheduler_v2 for the same arguments.
const rows: Row[] = [
  {
    name: 'cosine, warm-up inside',
    base: 0.001,
    config: { numEpochs: 300, warmupEpochs: 5, warmupLr: 1e-6, minLr: 1e-5, cooldownEpochs: 10 },
    totalEpochs: 310,
    rates: [
      [0, 1e-6],
      [1, 0.00020080000000000003],
      [5, 0.000999321619703514],
      [6, 0.0009990232305719944],
      [312, 1e-5],
    ],
  },
  {
    name: 'warm-up prefix',
    base: 0.0005,
    config: {
      numEpochs: 20,
      warmupEpochs: 4,
      warmupLr: 1e-6,
      warmupPrefix: true,
      cooldownEpochs: 3,
      minLr: 1e-6,
    },
    totalEpochs: 27,
    rates: [
      [1, 0.00012575],
      [3, 0.00037525000000000004],
      [4, 0.0005],
    ],
  },
  {
    name: 'per update',
    base: 0.001,
    config: {
      numEpochs: 6,
      warmupEpochs: 2,
      warmupLr: 1e-5,
      minLr: 1e-5,
      stepOnEpochs: false,
      updatesPerEpoch: 7,
    },
    totalEpochs: 6,
    rates: [
      [1, 8.071428571428571e-5],
      [3, 0.00022214285714285714],
      [44, 1e-5],
    ],
  },
  {
    name: 'k-decay',
    base: 0.001,
    config: { numEpochs: 15, warmupEpochs: 2, kDecay: 1.5, minLr: 1e-5 },
    totalEpochs: 15,
    rates: [
      [1, 0.000505],
      [2, 0.0009942211115160434],
      [3, 0.000980586425353731],
    ],
  },
  {
    name: 'two cycles',
    base: 0.001,
    config: { numEpochs: 8, cycleLimit: 2, cycleDecay: 0.5, minLr: 1e-5 },
    totalEpochs: 16,
    rates: [
      [1, 0.000962320368593087],
      [3, 0.0006944282990207195],
      [8, 0.0005],
      [16, 1e-5],
    ],
  },
  {
    name: 'step',
    base: 0.001,
    config: { sched: 'step', numEpochs: 30, decayEpochs: 10, warmupEpochs: 3 },
    totalEpochs: 30,
    rates: [
      [1, 0.00034],
      [9, 0.001],
      [10, 0.0001],
      [32, 1.0000000000000002e-6],
    ],
  },
];

describe('makeSchedule', () => {
  test.each(rows)('$name: the rates of timm', ({ base, config, totalEpochs, rates }) => {
    const schedule = makeSchedule(base, config);
    expect(schedule.totalEpochs).toBe(totalEpochs);
    expect(schedule.unit).toBe(config.stepOnEpochs === false ? 'update' : 'epoch');
    for (const [t, rate] of rates) {
      expect(Math.abs(schedule.rate(t) - rate)).toBeLessThanOrEqual(1e-12 + 1e-9 * rate);
    }
  });

  test('growing cycles restart at the decayed peak, and end at minLr', () => {
    const config = { numEpochs: 2, cycleMul: 2, cycleLimit: 3, cycleDecay: 0.5, minLr: 1e-6 };
    const schedule = makeSchedule(0.1, config);
    expect(schedule.totalEpochs).toBe(14);
    expect([0, 2, 6, 14].map((t) => schedule.rate(t))).toEqual([0.1, 0.05, 0.025, 1e-6]);
  });

  test('shrinking cycles stay finite after their last moment', () => {
    const schedule = makeSchedule(0.1, { numEpochs: 4, cycleMul: 0.5, cycleLimit: 9, minLr: 0.01 });
    for (let t = 0; t < 40; t += 1) expect(schedule.rate(t)).toBeGreaterThan(0);
    expect(schedule.rate(20)).toBe(0.01);
  });

  test('linear falls by equal steps', () => {
    const schedule = makeSchedule(1, { sched: 'linear', numEpochs: 4 });
    expect([0, 1, 2, 3, 4, 5].map((t) => schedule.rate(t))).toEqual([1, 0.75, 0.5, 0.25, 0, 0]);
  });

  test('constant keeps the base rate after the warm-up', () => {
    const config = { sched: 'constant', numEpochs: 4, warmupEpochs: 2, warmupLr: 0 } as const;
    const schedule = makeSchedule(1, config);
    expect([0, 1, 2, 1e7].map((t) => schedule.rate(t))).toEqual([0, 0.5, 1, 1]);
  });

  test('a cosine never rises after the warm-up and never leaves [minLr, base]', () => {
    const config = { numEpochs: 50, warmupEpochs: 5, minLr: 1e-4, kDecay: 2 };
    const { rate } = makeSchedule(0.01, config);
    for (let t = 5; t < 60; t += 1) {
      expect(rate(t + 1)).toBeLessThanOrEqual(rate(t));
      expect(rate(t)).toBeGreaterThanOrEqual(1e-4);
      expect(rate(t)).toBeLessThanOrEqual(0.01);
    }
  });

  test('ten million updates are exact and finite', () => {
    const config = { numEpochs: 100, stepOnEpochs: false, updatesPerEpoch: 1e5, minLr: 1e-5 };
    const { rate } = makeSchedule(1e-3, config);
    expect(rate(5e6)).toBeCloseTo(5.05e-4, 12);
    expect(rate(1e7)).toBe(1e-5);
  });

  test.each([
    [{ numEpochs: 0 }, 'numEpochs'],
    [{ numEpochs: 3, minLr: -1 }, 'minLr'],
    [{ numEpochs: 3, warmupEpochs: NaN }, 'warmupEpochs'],
    [{ numEpochs: 3, sched: 'plateau' }, 'sched'],
    [{ numEpochs: 3, stepOnEpochs: false }, 'updatesPerEpoch'],
    [{ numEpochs: 3, cycleLimit: 1.5 }, 'cycleLimit'],
  ])('%j is refused by name', (config, name) => {
    expect(() => makeSchedule(1e-3, config as ScheduleConfig)).toThrow(InputError);
    expect(() => makeSchedule(1e-3, config as ScheduleConfig)).toThrow(name);
  });
});

const shapes: Record<string, number[]> = {
  cls_token: [1, 1, 4],
  reg_token: [1, 2, 4],
  pos_embed: [1, 5, 4],
  'patch_embed.proj.weight': [4, 3, 2, 2],
  'patch_embed.proj.bias': [4],
  'norm_pre.weight': [4],
  'blocks.0.attn.qkv.weight': [12, 4],
  'blocks.1.mlp.fc1.weight': [8, 4],
  'blocks.1.mlp.fc1.bias': [8],
  'norm.weight': [4],
  'fc_norm.weight': [4],
  'head.weight': [5, 4],
  'head.bias': [5],
};
const model = {
  namedParameters: () =>
    new Map(Object.entries(shapes).map(([name, shape]) => [name, { shape }] as const)),
  noWeightDecay: () => new Set(['cls_token', 'reg_token', 'pos_embed']),
  layerGroups: () => layerGroups(Object.keys(shapes)),
};

describe('parameter groups', () => {
  test('vectors, biases and tokens do not decay', () => {
    const [without, decayed] = paramGroupsWeightDecay(model, 0.05);
    expect(decayed).toEqual({
      weightDecay: 0.05,
      lrScale: 1,
      params: Object.keys(shapes).filter((name) => /(proj|qkv|fc1|head)\.weight/.test(name)),
    });
    expect(without!.weightDecay).toBe(0);
    expect(without!.params).toHaveLength(Object.keys(shapes).length - decayed!.params.length);
  });

  test('without decay there is one group', () => {
    expect(paramGroupsWeightDecay(model, 0)).toEqual([
      { weightDecay: 0, lrScale: 1, params: Object.keys(shapes) },
    ]);
  });

  test('layers: embedding, blocks, the final norm with the last block, then the head', () => {
    const ids = model.layerGroups();
    const of = (layer: number) => [...ids].filter(([, id]) => id === layer).map(([name]) => name);
    expect(of(0)).toEqual(Object.keys(shapes).slice(0, 6));
    expect(of(1)).toEqual(['blocks.0.attn.qkv.weight']);
    expect(of(2)).toEqual(['blocks.1.mlp.fc1.weight', 'blocks.1.mlp.fc1.bias', 'norm.weight']);
    expect(of(3)).toEqual(['fc_norm.weight', 'head.weight', 'head.bias']);
  });

  test('a layer learns at layerDecay to the power of its distance from the head', () => {
    const groups = paramGroupsLayerDecay(model, { weightDecay: 0.1, layerDecay: 0.5 });
    const scales = groups.map(({ lrScale, weightDecay }) => [lrScale, weightDecay]);
    expect(scales).toEqual([
      [0.125, 0],
      [0.125, 0.1],
      [0.25, 0.1],
      [0.5, 0.1],
      [0.5, 0],
      [1, 0],
      [1, 0.1],
    ]);
    expect(groups.flatMap(({ params }) => params).sort()).toEqual(Object.keys(shapes).sort());
    const floored = paramGroupsLayerDecay(model, {
      weightDecay: 0,
      layerDecay: 0.5,
      minScale: 0.3,
    });
    expect(floored[0]!.lrScale).toBe(0.3);
  });

  test('a model that does not say its layers has no layer decay', () => {
    const options = { weightDecay: 0, layerDecay: 0.5 };
    const { layerGroups: _, ...without } = model;
    expect(() => paramGroupsLayerDecay(without, options)).toThrow(
      /a model with layer groups for layerDecay, received 0\.5/,
    );
    const partly = { ...model, layerGroups: () => new Map([['cls_token', 0]]) };
    expect(() => paramGroupsLayerDecay(partly, options)).toThrow(/received "reg_token"/);
  });

  test('a factor outside 0 … 1 is refused', () => {
    const options = { weightDecay: 0, layerDecay: 1.5 };
    expect(() => paramGroupsLayerDecay(model, options)).toThrow('layerDecay');
  });
});
