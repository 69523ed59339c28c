// Policies of automatic augmentation as data, read from timm's short strings.

import { InputError, expected } from '../../core/errors.ts';
import { didYouMean } from '../../core/nearest.ts';
import { opNames, type OpName } from './ops.ts';
import { policies } from './policies.ts';

/**
 * One operation of a policy.
 *
 * @property prob          how likely it is applied
 * @property magnitude     0 … 10
 * @property magnitudeStd  deviation of the magnitude, which is drawn anew each time; Infinity: uniform in 0 … magnitude
 * @property magnitudeMax  the largest magnitude after the draw
 */
export interface PolicyOp {
  readonly op: OpName;
  readonly prob: number;
  readonly magnitude: number;
  readonly magnitudeStd: number;
  readonly magnitudeMax: number;
}

/** AutoAugment: one of the lists is drawn, and its operations are applied in their order. */
export interface ListPolicy {
  readonly kind: 'lists';
  readonly lists: readonly (readonly PolicyOp[])[];
}

/**
 * RandAugment: some of the operations are drawn and applied.
 *
 * @property count    how many
 * @property weights  how likely each is drawn, summing to 1; then none is drawn twice. Absent: all alike, and with replacement
 */
export interface RandomPolicy {
  readonly kind: 'random';
  readonly ops: readonly PolicyOp[];
  readonly count: number;
  readonly weights?: readonly number[];
}

/** The policy that `--aa` names. */
export type AugmentPolicy = ListPolicy | RandomPolicy;

const plain = [
  'AutoContrast', 'Equalize', 'Invert', 'Rotate', 'Posterize', 'Solarize', 'SolarizeAdd', 'Color', 'Contrast', 'Brightness',
  'Sharpness', 'ShearX', 'ShearY', 'TranslateXRel', 'TranslateYRel',
] as const satisfies readonly OpName[]; // prettier-ignore

// The same operations, each stronger at a higher magnitude.
const increasing = plain.map((name) => {
  const stronger = `${name}Increasing`;
  return (opNames as readonly string[]).includes(stronger) ? (stronger as OpName) : name;
});

// Weights of the sets that timm names `tweights` and `t3aw`.
const weighted: Record<string, Partial<Record<OpName, number>>> = {
  weights: {
    Rotate: 3, ShearX: 2, ShearY: 2, TranslateXRel: 1, TranslateYRel: 1, ColorIncreasing: 0.25, SharpnessIncreasing: 0.25,
    AutoContrast: 0.25, SolarizeIncreasing: 0.05, SolarizeAdd: 0.05, ContrastIncreasing: 0.05, BrightnessIncreasing: 0.05,
    Equalize: 0.05, PosterizeIncreasing: 0.05, Invert: 0.05,
  },
  '3aw': {
    SolarizeIncreasing: 6, Desaturate: 6, GaussianBlur: 6, Rotate: 3, ShearX: 2, ShearY: 2, PosterizeIncreasing: 1,
    AutoContrast: 1, ColorIncreasing: 1, SharpnessIncreasing: 1, ContrastIncreasing: 1, BrightnessIncreasing: 1, Equalize: 1,
    Invert: 1,
  },
}; // prettier-ignore

// Weights of `w0` in timm before 1.0, which DeiT's version has.
const formerWeights: Partial<Record<OpName, number>> = {
  Rotate: 0.3, ShearX: 0.2, ShearY: 0.2, TranslateXRel: 0.1, TranslateYRel: 0.1, Color: 0.025, Sharpness: 0.025,
  AutoContrast: 0.025, Solarize: 0.005, SolarizeAdd: 0.005, Contrast: 0.005, Brightness: 0.005, Equalize: 0.005,
}; // prettier-ignore

const help = `one of ${Object.keys(policies).join(', ')} or rand-m#-n#-mstd#-inc#-p#`;

/**
 * The policy of timm's string.
 *
 * `original`, `originalr`, `v0`, `v0r` and `3a` are lists of AutoAugment, with `-mstd#` if magnitudes vary. `rand` is RandAugment:
 * `-m#` magnitude (10), `-n#` operations an image (2), `-p#` probability of each (0.5), `-mstd#` deviation of the magnitude (0; above
 * 100 uniform), `-mmax#` its maximum (10), `-inc1` operations that grow stronger, `-tweights`, `-t3a`, `-t3aw` other sets, `-w0` the
 * weights of DeiT's timm.
 *
 * @throws InputError naming the part that is not understood
 * @example parsePolicy('rand-m9-mstd0.5-inc1');
 */
export function parsePolicy(text: string, name = 'aa'): AugmentPolicy {
  const [kind, ...parts] = text.split('-');
  if (Object.hasOwn(policies, kind!)) {
    const settings = readParts(parts, ['mstd'], text, name);
    const shared = { magnitudeStd: settings.mstd ?? 0, magnitudeMax: 10 };
    const lists = policies[kind!]!.map((rows) =>
      rows.map(([op, prob, magnitude]) => ({ op, prob, magnitude, ...shared })),
    );
    return { kind: 'lists', lists };
  }
  if (kind !== 'rand') {
    const remedy = didYouMean(kind!, [...Object.keys(policies), 'rand']);
    throw new InputError(expected(help, name, text, remedy));
  }
  return randomPolicy(parts, text, name);
}

function randomPolicy(parts: readonly string[], text: string, name: string): RandomPolicy {
  const set = parts.find((part) => part.startsWith('t'))?.slice(1);
  const settings = readParts(
    parts.filter((part) => !part.startsWith('t')),
    ['m', 'n', 'p', 'mstd', 'mmax', 'inc', 'w'],
    text,
    name,
  );
  const { m = 10, n = 2, p = 0.5, mstd = 0, mmax = 10, inc, w } = settings;
  if (w !== undefined && w !== 0) throw new InputError(expected('w0, if any w,', name, text));
  // As in timm, `inc0` has an effect too: the part is there.
  const weights = w === 0 ? formerWeights : set === undefined ? undefined : weighted[set];
  const names = namesOf(set, { weights, strong: inc !== undefined, text, name });
  const shared = { prob: p, magnitude: m, magnitudeStd: mstd > 100 ? Infinity : mstd };
  const ops = names.map((op) => ({ op, ...shared, magnitudeMax: mmax }));
  assertRange(p <= 1, `a probability p of at most 1`, text, name);
  assertRange(weights === undefined || n <= ops.length, `n of at most ${ops.length}`, text, name);
  assertRange(n >= 1 && n <= 100 && Number.isInteger(n), 'a whole n of 1 to 100', text, name);
  assertRange(mmax > 0 && mmax <= 100, 'mmax of at most 100', text, name);
  if (weights === undefined) return { kind: 'random', ops, count: n };
  const total = Object.values(weights).reduce((sum, value) => sum + value, 0);
  return { kind: 'random', ops, count: n, weights: names.map((op) => weights[op]! / total) };
}

function namesOf(
  set: string | undefined,
  {
    weights,
    strong,
    text,
    name,
  }: {
    weights: Partial<Record<OpName, number>> | undefined;
    strong: boolean;
    text: string;
    name: string;
  },
): readonly OpName[] {
  if (weights !== undefined) return Object.keys(weights) as OpName[];
  if (set === undefined) return strong ? increasing : plain;
  if (set === '3a') return ['SolarizeIncreasing', 'Desaturate', 'GaussianBlur'];
  throw new InputError(expected('a set tweights, t3a or t3aw', name, text));
}

function assertRange(holds: boolean, what: string, text: string, name: string): void {
  if (!holds) throw new InputError(expected(what, name, text));
}

// The numbers of parts such as `m9` and `mstd0.5`, by their letters.
function readParts<K extends string>(
  parts: readonly string[],
  known: readonly K[],
  text: string,
  name: string,
): Partial<Record<K, number>> {
  const out: Partial<Record<K, number>> = {};
  for (const part of parts) {
    const [, key, number] = /^([a-z]+)(\d+(?:\.\d+)?|inf)$/.exec(part) ?? [];
    const found = known.find((candidate) => candidate === key);
    if (found === undefined || found in out) {
      const parts = known.map((candidate) => `${candidate}#`).join(', ');
      const what = found === undefined ? `parts ${parts}` : `${found}# once`;
      throw new InputError(expected(what, name, text, `The part "${part}" cannot be used.`));
    }
    out[found] = number === 'inf' ? Infinity : Number(number);
  }
  return out;
}
