// The options of the optimizer, each said once.

import { assertListOf } from '../../core/kinds.ts';
import type { OptionTable } from '../../core/option.ts';

const lamb = { appliesTo: { opt: ['lamb'] } } as const;
const muon = { appliesTo: { opt: ['muon'] } } as const;

/** Options of `makeOptimizer`, beside the learning rate also those of a config's `optimizer`. */
export const optimizerOptions = {
  opt: {
    type: 'string',
    describe:
      'Update rule: Adam with decoupled weight decay, SGD with momentum, LAMB (Adam with a trust ratio for each layer), or Muon (orthogonalised momentum for matrices, AdamW for the rest)',
    choices: ['adamw', 'sgd', 'lamb', 'muon'],
    spellings: {
      AdamW: 'adamw',
      fusedadamw: 'adamw',
      SGD: 'sgd',
      nesterov: 'sgd',
      fusedsgd: 'sgd',
      Lamb: 'lamb',
      LAMB: 'lamb',
      fusedlamb: 'lamb',
      Muon: 'muon',
    },
    default: 'adamw',
    flag: { name: 'opt', value: 'NAME' },
  },
  weightDecay: {
    type: 'number',
    describe:
      'Weight decay, decoupled in adamw and muon, added to the gradient in sgd and to the step of Adam in lamb; never on vectors, biases and tokens',
    min: 0,
    default: 0.05,
    flag: { name: 'weight-decay', value: 'X', describe: 'Weight decay of matrices' },
  },
  betas: {
    type: 'numbers',
    describe: 'Decay rates of the two moments of Adam; default [0.9, 0.999], in muon [0.9, 0.95]',
    length: 2,
    min: 0,
    max: 1 - Number.EPSILON,
    appliesTo: { opt: ['adamw', 'lamb', 'muon'] },
    flag: { name: 'opt-betas', value: 'X X' },
  },
  epsilon: {
    type: 'number',
    describe:
      'Added to √v̂ in Adam; in muon also the least norm of a matrix; default 1e-8, in lamb 1e-6, in muon 1e-7',
    min: Number.MIN_VALUE,
    appliesTo: { opt: ['adamw', 'lamb', 'muon'] },
    flag: { name: 'opt-eps', value: 'X' },
  },
  momentum: {
    type: 'number',
    describe: 'Momentum of sgd and muon',
    min: 0,
    max: 1,
    default: 0.9,
    appliesTo: { opt: ['sgd', 'muon'] },
    flag: { name: 'momentum', value: 'X' },
  },
  nesterov: {
    type: 'boolean',
    describe:
      "Nesterov's form of the momentum; default true in sgd, and false in muon, where true is timm's nmuon",
    appliesTo: { opt: ['sgd', 'muon'], momentum: { above: 0 } },
    flag: { name: 'nesterov' },
  },
  biasCorrection: {
    ...lamb,
    type: 'boolean',
    describe: 'true: the moments of lamb are divided by 1 − β^step',
    default: true,
  },
  gradAveraging: {
    ...lamb,
    type: 'boolean',
    describe: 'true: the first moment of lamb takes 1 − β1 of a gradient; false: all of it',
    default: true,
  },
  maxGradNorm: {
    ...lamb,
    type: 'number',
    describe: 'Norm of all gradients above which lamb scales them down; null: none',
    min: Number.MIN_VALUE,
    nullable: true,
    default: 1,
    flag: { name: 'max-grad-norm', value: 'X' },
  },
  trustClip: {
    ...lamb,
    type: 'boolean',
    describe: "true: the trust ratio of lamb is at most 1, timm's lambc",
    default: false,
  },
  alwaysAdapt: {
    ...lamb,
    type: 'boolean',
    describe: 'true: lamb scales the steps of parameters without weight decay too',
    default: false,
  },
  decoupledDecay: {
    ...lamb,
    type: 'boolean',
    describe: "true: lamb takes the weight decay off the weights, timm's lambw",
    default: false,
  },
  nsSteps: {
    ...muon,
    type: 'integer',
    describe: 'Newton–Schulz iterations of muon',
    min: 1,
    max: 100,
    default: 5,
    flag: { name: 'ns-steps', value: 'N' },
  },
  nsCoefficients: {
    ...muon,
    type: 'string',
    describe: "Coefficients of the iterations, by timm's names",
    choices: ['original', 'quintic', 'polar_express'],
    default: 'quintic',
  },
  adjustLrFn: {
    ...muon,
    type: 'string',
    describe:
      'Factor of muon on the learning rate of a matrix [out, in]: √max(1, out/in), 0.2·√max(out, in), or √(out/in)',
    choices: ['original', 'match_rms_adamw', 'rms_to_rms'],
    default: 'match_rms_adamw',
  },
  fallbackList: {
    ...muon,
    type: 'any',
    describe:
      'Names of matrices that muon leaves to AdamW, with * for any characters: `["head.*", "patch_embed.*"]`',
    written: 'readonly string[]',
    default: [],
    parse: (value: unknown, name: string) => {
      assertListOf(name, value, 'text');
      return value;
    },
  },
  fallbackNoWeightDecay: {
    ...muon,
    type: 'boolean',
    describe: 'true: muon leaves what the model never decays to AdamW',
    default: false,
  },
  fallbackLrScale: {
    ...muon,
    type: 'number',
    describe: 'Factor on the learning rate of what muon leaves to AdamW',
    min: 0,
    default: 1,
  },
  layerDecay: {
    type: 'number',
    describe:
      'Factor on the learning rate from each layer to the layer below; without it all learn alike',
    min: 0,
    max: 1,
    flag: { name: 'layer-decay', value: 'X' },
  },
} as const satisfies OptionTable;

/** Options of `makeOptimizer`. */
export const optimizerConfigOptions = {
  learningRate: {
    type: 'number',
    describe: 'Learning rate of every group until `setRate`',
    required: true,
    min: 0,
  },
  ...optimizerOptions,
} as const satisfies OptionTable;
