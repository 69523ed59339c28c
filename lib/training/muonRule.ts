// Muon, momentum orthogonalised by Newton–Schulz iterations, as an update rule.

import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { sizeOf } from '../core/check.ts';
import { newtonSchulz, type NewtonSchulzCoefficients } from '../ops/newtonSchulz.ts';
import { adamWRule } from './adamWRule.ts';
import { nadamWRule } from './nadamWRule.ts';
import type { OptimizerConfig } from './options/types.ts';
import type { RuleInput, UpdateRule } from './updateRule.ts';

/** The coefficients of the iterations by timm's names of the presets. */
export const newtonSchulzPresets: Readonly<
  Record<NonNullable<OptimizerConfig['nsCoefficients']>, readonly NewtonSchulzCoefficients[]>
> = {
  original: [[3.4445, -4.775, 2.0315]],
  quintic: [
    [4.0848, -6.8946, 2.927],
    [3.9505, -6.3029, 2.6377],
    [3.7418, -5.5913, 2.3037],
    [2.8769, -3.1427, 1.2046],
    [2.8366, -3.0525, 1.2012],
  ],
  polar_express: [
    [8.237312490495555, -23.157747414558198, 16.680568411445915],
    [4.082441999064835, -2.893047735332586, 0.5252849256975648],
    [3.9263479922546582, -2.8547468034765298, 0.5318022422894988],
    [3.2982187133085143, -2.424541981026706, 0.48632008358844075],
    [2.2970369434552573, -1.63662558125903, 0.4002628455953627],
    [1.8763805351440397, -1.2347896577722228, 0.35891887501668385],
    [1.8564423485617974, -1.2132449880935525, 0.3568003487825883],
    [1.8749994008682747, -1.2499988017229169, 0.3749994008546422],
  ],
};

/**
 * Muon for matrices, AdamW for everything else.
 *
 * m' = momentum·m + (1 − momentum)·g;  u = m', with Nesterov momentum·m' + (1 − momentum)·g;
 * p ← p·(1 − lr·wd) − lr·s·O, where O is `newtonSchulz` of u as a matrix [out, the rest] and s its `adjustLrFn`
 *
 * Vectors, biases, tokens and matrices with a side below 4 or longer than 128 times the other go to AdamW (with Nesterov: NAdamW) at
 * `fallbackLrScale` of the rate; so do the names that `fallbackList` gives, and with `fallbackNoWeightDecay` those that never decay.
 * Matrices of one shape are orthogonalised in one call.
 *
 * Slots: `momentum_buffer` (m); of the others `exp_avg`, `exp_avg_sq`.
 *
 * Source: Jordan et al. 2024; timm/optim/muon.py, with `conv_mode` flatten.
 */
export function muonRule(
  {
    momentum = 0.9,
    nesterov = false,
    betas = [0.9, 0.95],
    epsilon = 1e-7,
    nsSteps = 5,
    nsCoefficients = 'quintic',
    adjustLrFn = 'match_rms_adamw',
    fallbackList = [],
    fallbackNoWeightDecay = false,
    fallbackLrScale = 1,
  }: OptimizerConfig,
  noWeightDecay: ReadonlySet<string>,
): UpdateRule {
  const patterns = fallbackList.map(patternOf);
  const fallback = (nesterov ? nadamWRule : adamWRule)({ betas, epsilon });
  const coefficients = newtonSchulzPresets[nsCoefficients];
  const isMatrix = (name: string, shape: readonly number[]) =>
    isSuitable(shape) &&
    !(fallbackNoWeightDecay && noWeightDecay.has(name)) &&
    !patterns.some((pattern) => pattern.test(name));

  const updateMatrices = (inputs: readonly RuleInput[], shape: readonly [number, number]) => {
    const buffers = inputs.map(({ gradient, state }) =>
      t.add(t.mul(state[0]!, momentum), t.mul(gradient, 1 - momentum)),
    );
    const directions = inputs.map(({ gradient }, i) => {
      const buffer = buffers[i]!;
      const direction = nesterov
        ? t.add(t.mul(buffer, momentum), t.mul(gradient, 1 - momentum))
        : buffer;
      return t.reshape(direction, [1, ...shape]);
    });
    const stacked = (
      directions.length === 1 ? directions[0]! : t.concat(directions)
    ) as tf.Tensor3D;
    const orthogonal = newtonSchulz(stacked, { coefficients, steps: nsSteps, epsilon });
    const scale = lrScales[adjustLrFn](...shape);
    return inputs.map(({ parameter, learningRate, weightDecay }, i) => {
      const one = t.reshape(t.slice(orthogonal, [i, 0, 0], [1, ...shape]), parameter.shape);
      const decayed =
        weightDecay === 0 ? parameter : t.mul(parameter, 1 - learningRate * weightDecay);
      return [t.sub(decayed, t.mul(one, learningRate * scale)), buffers[i]!];
    });
  };

  return {
    slots: (name, shape) =>
      isMatrix(name, shape) ? ['momentum_buffer'] : fallback.slots(name, shape),
    update: (inputs, step) => {
      const results: tf.Tensor[][] = [];
      for (const [key, places] of groupsOf(inputs, isMatrix)) {
        const group = places.map((place) => inputs[place]!);
        const out =
          key === 'fallback'
            ? fallback.update(
                group.map((input) => slowed(input, fallbackLrScale)),
                step,
              )
            : updateMatrices(group, matrixShape(group[0]!.parameter.shape));
        places.forEach((place, i) => (results[place] = out[i]!));
      }
      return results;
    },
  };
}

/** The factor on the learning rate of a matrix [out, in], by timm's name. */
const lrScales: Readonly<
  Record<NonNullable<OptimizerConfig['adjustLrFn']>, (rows: number, columns: number) => number>
> = {
  original: (rows, columns) => Math.sqrt(Math.max(1, rows / columns)),
  match_rms_adamw: (rows, columns) => 0.2 * Math.sqrt(Math.max(rows, columns)),
  rms_to_rms: (rows, columns) => Math.sqrt(rows / columns),
};

// The places of the inputs that go to the fallback, and those of the matrices of each shape.
function groupsOf(
  inputs: readonly RuleInput[],
  isMatrix: (name: string, shape: readonly number[]) => boolean,
): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  inputs.forEach(({ name, parameter: { shape } }, place) => {
    const key = isMatrix(name, shape) ? matrixShape(shape).join() : 'fallback';
    groups.set(key, [...(groups.get(key) ?? []), place]);
  });
  return groups;
}

function slowed(input: RuleInput, scale: number): RuleInput {
  return { ...input, learningRate: input.learningRate * scale };
}

// A convolution's [out, in, kh, kw] is the matrix [out, in·kh·kw].
function matrixShape([rows = 1, ...rest]: readonly number[]): [number, number] {
  return [rows, sizeOf(rest)];
}

// timm's `_is_suitable_for_muon`. A side of 1 in front belongs to tokens and position embeddings.
function isSuitable(shape: readonly number[]): boolean {
  if (shape.filter((side) => side > 1).length < 2 || shape[0] === 1 || shape[1] === 1) return false;
  const sides = matrixShape(shape);
  const [least, most] = [Math.min(...sides), Math.max(...sides)];
  return least >= 4 && most / least <= 128;
}

// A name or a pattern in which * stands for any characters and ? for one.
function patternOf(text: string): RegExp {
  const escaped = text.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replace(/\*/g, '.*').replace(/\?/g, '.')}$`);
}
