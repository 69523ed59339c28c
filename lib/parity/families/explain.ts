// Family explain: relevance propagation, rollouts and relevance of one image, beside the published code.

import path from 'node:path';
import { Capture } from '../../core/capture.ts';
import { assertInteger } from '../../core/check.ts';
import { combineInterceptors, type Interceptor } from '../../core/intercept.ts';
import { attentionMaps, stretchMap } from '../../explain/attentionMaps.ts';
import { readAttention, type AttentionArray } from '../../explain/attentionArray.ts';
import { withAttention } from '../../explain/attentionPass.ts';
import { cheferRules } from '../../explain/lrp/cheferRules.ts';
import { disposePass, relevancePass } from '../../explain/lrp/relevancePass.ts';
import { positionSimilarity } from '../../explain/positionSimilarity.ts';
import { accumulate, positiveMean } from '../../explain/relevance.ts';
import { attentionRollout, gradientRollout, type HeadFusion } from '../../explain/rollout.ts';
import {
  transformerAttribution,
  type AttributionOptions,
} from '../../explain/transformerAttribution.ts';
import { resampleGrid } from '../../figures/resample.ts';
import { layerNorm } from '../../ops/layerNorm.ts';
import { LayerNorm } from '../../layers/layerNorm.ts';
import * as t from '../../ops/tensor.ts';
import { buildLoaded } from '../../models/buildLoaded.ts';
import { outputRule } from '../bf16Rule.ts';
import { planDetr } from './explainDetr.ts';
import { Produced, UnsupportedCase } from '../family.ts';
import { GoldenFile } from '../goldenTensors.ts';
import { readJson } from '../goldenCase.ts';
import { planClip } from './explainClip.ts';
import { goldenModelConfig } from '../modelConfig.ts';
import type * as tf from '@tensorflow/tfjs';
import type { Model } from '../../models/model.ts';
import type { Precision } from '../../core/precision.ts';
import type { CasePlan, Family } from '../family.ts';
import type { GoldenCase } from '../goldenCase.ts';

/** Explanations of one image: Chefer's relevance propagation, rollouts, gradient rules, similarity of position embeddings. */
export const explain: Family = { name: 'explain', plan };

const file = 'outputs.safetensors';

function plan(golden: GoldenCase): CasePlan {
  if ('vision' in golden.config && 'text' in golden.config) return planClip(golden);
  if ('d_model' in golden.config) return planDetr(golden);
  if (!('img_size' in golden.config) || 'vision' in golden.config) {
    throw new UnsupportedCase('explanations of this kind of model are not supported yet');
  }
  const config = goldenModelConfig(golden.config, golden);
  const { index } = readJson(path.join(golden.folder, 'case.json')) as { index?: unknown };
  assertInteger(`index of ${golden.name}`, index, { min: 0 });
  const weights = new GoldenFile(golden, 'weights.safetensors');
  const input = new GoldenFile(golden, 'input.safetensors');
  const names = golden.compare.flatMap((entry) => (entry.kind === 'tensor' ? [entry.tensor] : []));
  return {
    unsupported: ({ kind }) =>
      kind === 'tensor' ? undefined : 'only tensors are part of this family',
    // Rounding decides which of two nearly equal entries is discarded.
    bf16Rule: (entry) => {
      const discards = entry.kind === 'tensor' && /discard0\.[1-9]/.test(entry.tensor);
      return outputRule(golden, { limit: discards ? 0.3 : 0.06 });
    },
    run: async (precision) => {
      const { model } = buildLoaded(config, weights.tensors);
      const images = input.images('input');
      const produced = new Produced();
      const run = new Run(model, images, { index, precision, produced, names });
      try {
        await run.all();
        return produced;
      } finally {
        t.dispose(images);
        model.dispose();
      }
    },
  };
}

class Run {
  private readonly model: Model;
  private readonly images: tf.Tensor4D;
  private readonly index: number;
  private readonly precision: Precision;
  private readonly produced: Produced;
  private readonly names: readonly string[];

  constructor(
    model: Model,
    images: tf.Tensor4D,
    about: { index: number; precision: Precision; produced: Produced; names: readonly string[] },
  ) {
    this.model = model;
    this.images = images;
    ({
      index: this.index,
      precision: this.precision,
      produced: this.produced,
      names: this.names,
    } = about);
  }

  async all(): Promise<void> {
    const prefixes = new Set(this.names.map((name) => name.split('/')[0]));
    if (prefixes.has('shipped')) await this.chefer('shipped/', finalNorm(1e-5));
    if (prefixes.has('eps1e-6')) await this.chefer('eps1e-6/');
    if (prefixes.has('orig_lrp')) await this.plainRules();
    if (prefixes.has('baselines')) await this.baselines();
    if (this.names.includes('blocks.0.attn')) await this.rollouts();
  }

  private get options() {
    return { target: this.index, precision: this.precision } as const;
  }

  private async chefer(prefix: string, intercept?: Interceptor): Promise<void> {
    const { produced, images, model } = this;
    const options = { target: this.index, intercept };
    const map = async (name: string, more: AttributionOptions, shape?: number[]) => {
      const { maps, pixels } = await transformerAttribution(model, images, { ...options, ...more });
      const grid = pixels?.[0] ?? maps[0]!;
      const flat = [1, grid.data.length];
      const full = pixels === undefined ? flat : [1, grid.height, grid.width];
      produced.add(file, `${prefix}${name}`, { shape: shape ?? full, data: grid.data });
    };
    for (const start of [0, 1]) {
      await map(`transformer_attribution.start${start}`, { startLayer: start });
      await map(`lrp_rollout.start${start}`, { method: 'rollout', startLayer: start });
    }
    await map('transformer_attribution.start0.argmax', { target: undefined });
    await map('full', { method: 'full' });
    const patches = [this.patches()];
    await map('last_layer', { method: 'last_layer' }, patches);
    await map('last_layer.ablation', { method: 'last_layer', ablation: true }, patches);
    await map('last_layer_attn', { method: 'last_layer_attn' }, patches);
    await map('second_layer', { method: 'second_layer' }, patches);
    await this.attentions(prefix, { attn: 'attn', grad: 'attn_gradients' }, intercept);
    const rules = cheferRules();
    const pass = relevancePass(model, images, { ...options, rules, start: 'one' });
    for (const [i, x] of pass.attentions.entries()) {
      await produced.take(file, `${prefix}blocks.${i}.attn_cam`, t.clone(x));
    }
    await produced.take(file, `${prefix}logits`, t.clone(pass.logits));
    disposePass(pass);
  }

  private patches(): number {
    const [rows, columns] = (this.model as unknown as { gridSize: [number, number] }).gridSize;
    return rows * columns;
  }

  private async attentions(
    prefix: string,
    names: { attn: string; grad: string },
    intercept?: Interceptor,
  ): Promise<void> {
    const options = { ...this.options, intercept, gradients: true };
    const kept: [string, tf.Tensor][] = [];
    const { combined, logits } = await withAttention(this.model, this.images, options, (pass) => {
      pass.attentions.forEach((x, i) => {
        kept.push([`${prefix}blocks.${i}.${names.attn}`, t.keep(t.clone(x))]);
        kept.push([`${prefix}blocks.${i}.${names.grad}`, t.keep(t.clone(pass.gradients[i]!))]);
      });
      return t.clone(pass.logits);
    });
    combined.dispose();
    this.produced.add(file, `${prefix}logits`, { shape: [1, logits.length], data: logits });
    for (const [name, x] of kept) await this.produced.take(file, name, x);
  }

  private async plainRules(): Promise<void> {
    const options = { target: this.index, separate: true };
    const { model, images, produced } = this;
    const full = await transformerAttribution(model, images, { ...options, method: 'full' });
    const { height, width, data } = full.pixels![0]!;
    produced.add(file, 'orig_lrp/full', { shape: [1, height, width], data });
    const last = await transformerAttribution(model, images, { ...options, method: 'last_layer' });
    const map = last.maps[0]!.data;
    produced.add(file, 'orig_lrp/last_layer', { shape: [map.length], data: map });
  }

  private async baselines(): Promise<void> {
    const layers = await this.captured('attn_probs');
    const prefix = (this.model as unknown as { numPrefixTokens: number }).numPrefixTokens;
    for (const startLayer of [0, 1]) {
      const { data } = attentionRollout(layers, { queries: [0], startLayer });
      const row = Float32Array.from(data.subarray(prefix));
      const name = `baselines/rollout.start${startLayer}`;
      this.produced.add(file, name, { shape: [1, row.length], data: row });
    }
    const options = { target: this.index, method: 'attn_gradcam' } as const;
    const { maps } = await transformerAttribution(this.model, this.images, options);
    const { height, width, data } = stretchMap(maps[0]!);
    const cam = { shape: [height, width], data: Float32Array.from(data) };
    this.produced.add(file, 'baselines/cam_attn', cam);
  }

  private async rollouts(): Promise<void> {
    const { produced } = this;
    await this.attentions('', { attn: 'attn', grad: 'attn_grad' });
    const arrays = (kind: string): AttentionArray[] => {
      const found: AttentionArray[] = [];
      for (let i = 0; ; i += 1) {
        const x = produced.tensor(file, `blocks.${i}.${kind}`);
        if (x === undefined) return found;
        found.push({ shape: [...x.shape], data: x.data as Float32Array });
      }
    };
    const [attentions, gradients] = [arrays('attn'), arrays('attn_grad')];
    const add = (name: string, shape: readonly number[], data: ArrayLike<number>) =>
      produced.add(file, name, { shape: [...shape], data: Float32Array.from(data) });
    const tokens = attentions[0]!.shape[2]!;
    const square = [tokens, tokens];
    for (const name of this.names) {
      const rollout = /^clean\.rollout\/(\w+)\.discard([\d.]+)$/.exec(name);
      const graded = /^clean\.grad_rollout\/discard([\d.]+)$/.exec(name);
      if (rollout !== null) {
        const headFusion = rollout[1] as HeadFusion;
        const options = { headFusion, discardRatio: Number(rollout[2]) };
        add(name, square, attentionRollout(attentions, options).data);
      }
      if (graded !== null) {
        const options = { discardRatio: Number(graded[1]) };
        add(name, square, gradientRollout(attentions, gradients, options).data);
      }
      if (name.startsWith('abnar_zuidema.')) {
        const residual = !name.endsWith('no_residual');
        const each = attentions.map(
          (_, i) => attentionRollout(attentions.slice(0, i + 1), { residual }).data,
        );
        add(
          name,
          [each.length, ...square],
          each.flatMap((x) => [...x]),
        );
      }
      const relevance = /^mm_explain\.relevance\.start(\d+)$/.exec(name);
      if (relevance !== null) await this.joint(name, Number(relevance[1]));
    }
    await this.raw(add);
  }

  private async joint(name: string, start: number): Promise<void> {
    const options = { ...this.options, gradients: true };
    const { combined, layout } = await withAttention(this.model, this.images, options, (pass) =>
      accumulate(
        pass.attentions.map((a, i) => positiveMean(t.mul(a, pass.gradients[i]!))),
        start,
      ),
    );
    const [, rows, columns] = combined.shape as [number, number, number];
    const data = (await combined.data()) as Float32Array;
    combined.dispose();
    this.produced.add(file, name, { shape: [rows, columns], data });
    const row = data.slice(layout.numPrefixTokens, columns);
    this.produced.add(file, `${name}.cls_to_patches`, { shape: [row.length], data: row });
  }

  private async raw(
    add: (name: string, shape: readonly number[], data: ArrayLike<number>) => void,
  ): Promise<void> {
    const { model, images } = this;
    const layers = await this.captured('attn_probs');
    const heads = attentionMaps(layers, { query: 'class' }).at(-1)!;
    const { height: rows, width: columns } = heads[0]!;
    const mean = (_: unknown, i: number) =>
      heads.reduce((sum, { data }) => sum + data[i]!, 0) / heads.length;
    const map = {
      height: rows,
      width: columns,
      data: Float64Array.from({ length: rows * columns }, mean),
    };
    add('raw.last_layer_cls_mean_heads', [map.height, map.width], map.data);
    const [, height = 0, width = 0] = images.shape;
    const fine = resampleGrid(map, { height, width, interpolation: 'bilinear' });
    add('raw.upsampled_bilinear', [height, width], fine.data);
    add('raw.upsampled_minmax', [height, width], stretchMap(fine).data);
    const { matrix } = await positionSimilarity(model);
    add('pos_embed.cosine', [matrix.height, matrix.width], matrix.data);
    add('pos_embed.cosine_grid', [rows, columns, rows, columns], matrix.data);
  }

  private async captured(kind: 'attn_probs'): Promise<AttentionArray[]> {
    const capture = new Capture([`blocks.*.${kind}`]);
    try {
      const { precision } = this;
      t.tidy(() => this.model.forward(this.images, { intercept: capture, precision }));
      return await readAttention(capture);
    } finally {
      capture.dispose();
    }
  }
}

// The last norm with another epsilon, as the published code has it.
function finalNorm(epsilon: number): Interceptor {
  return combineInterceptors({
    wants: (path) => path === 'norm',
    call: ({ path, module, inputs }, forward) => {
      const y = forward(...inputs);
      if (path !== 'norm' || !(module instanceof LayerNorm)) return y;
      const { weight, bias } = module;
      return layerNorm(inputs[0]!, weight as tf.Tensor1D, bias as tf.Tensor1D, { epsilon });
    },
  });
}
