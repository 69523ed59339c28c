// The configuration of a Vision Transformer: its checks, and the sizes that follow from it.

import { assertFields } from '../../core/kinds.ts';
import { assertNumber } from '../../core/check.ts';
import { InputError, expected } from '../../core/errors.ts';
import { defaultsOf, parseOptions, withoutSparse } from '../../core/option.ts';
import { visionTransformerOptions } from './options.ts';
import type { VisionTransformerConfig } from './optionTypes.ts';

export type { VisionTransformerConfig };

/** How the tokens become one vector: the class token, a mean, their mean and maximum, attention by a learned query, or not at all. */
export type GlobalPool = VisionTransformerConfig['globalPool'];

/** The non-linearity of the feed-forward parts, by timm's name: exact, tanh approximation, sigmoid approximation. */
export type Activation = VisionTransformerConfig['activation'];

/** timm's defaults: ViT-B/16 at 224 pixels. `fcNorm` follows `globalPool` unless it is given. */
export const defaultConfig = defaultsOf(visionTransformerOptions) as unknown as Omit<
  VisionTransformerConfig,
  'fcNorm'
>;

/** Rows and columns of whole patches, as timm counts them: [17, 29] pixels by patches of 5 are 3 × 5. */
export function gridSizeOf({
  imageSize,
  patchSize,
}: Pick<VisionTransformerConfig, 'imageSize' | 'patchSize'>): [number, number] {
  return [Math.floor(imageSize[0] / patchSize[0]), Math.floor(imageSize[1] / patchSize[1])];
}

/** Tokens before the patches: class, distillation, registers. */
export function numPrefixTokensOf({
  classToken,
  distilled,
  regTokens,
}: Pick<VisionTransformerConfig, 'classToken' | 'distilled' | 'regTokens'>): number {
  return Number(classToken) + Number(distilled) + regTokens;
}

/** The number of prefix tokens that have a position embedding. */
export function placedPrefix(
  config: Pick<VisionTransformerConfig, 'classToken' | 'distilled' | 'regTokens' | 'noEmbedClass'>,
): number {
  return config.noEmbedClass ? 0 : numPrefixTokensOf(config);
}

/** Hidden width of the feed-forward parts: ⌊embedDim · mlpRatio⌋, a ratio that came from a division counting as exact. */
export function mlpHiddenDimOf({
  embedDim,
  mlpRatio,
}: Pick<VisionTransformerConfig, 'embedDim' | 'mlpRatio'>): number {
  return Math.floor(embedDim * mlpRatio * (1 + 1e-12));
}

const maxParameters = 2 ** 33;

/**
 * A configuration whose options all have a value, checked, other spellings of a choice replaced.
 *
 * @throws InputError that names the first option, or pair of options, that cannot be used
 */
export function completeConfig(values: object): VisionTransformerConfig {
  const config = parseOptions<VisionTransformerConfig>(visionTransformerOptions, values, {
    what: 'a model option',
  });
  assertNumber('mlpRatio', config.mlpRatio, { min: 1 / config.embedDim, max: 64 });
  assertDivisions(config);
  assertTokens(config);
  assertParts(config);
  assertBuildable(config);
  return withoutSparse(visionTransformerOptions, config);
}

// A lower bound of the parameters: matrices of the blocks, positions, patches and head.
function assertBuildable(config: VisionTransformerConfig): void {
  const { embedDim, depth, inChannels, patchSize, numClasses } = config;
  const [rows, columns] = gridSizeOf(config);
  const block = 4 * embedDim + 1.5 * mlpHiddenDimOf(config);
  const rest = rows * columns + inChannels * patchSize[0] * patchSize[1] + numClasses;
  const parameters = embedDim * (depth * block + rest);
  if (parameters <= maxParameters) return;
  throw new InputError(
    expected(
      'at most 2³³ parameters',
      'the model',
      parameters,
      'Make embedDim, depth or the image smaller.',
    ),
  );
}

function assertDivisions({
  imageSize,
  patchSize,
  embedDim,
  numHeads,
  posEmbed,
}: VisionTransformerConfig): void {
  imageSize.forEach((size, axis) => {
    const patch = patchSize[axis]!;
    if (size >= patch) return;
    const remedy = `Use ${patch}.`;
    throw new InputError(expected(`at least patchSize ${patch}`, 'imageSize', size, remedy));
  });
  if (embedDim % numHeads !== 0) {
    throw new InputError(
      expected(
        `a multiple of numHeads ${numHeads}`,
        'embedDim',
        embedDim,
        'Every head has embedDim / numHeads channels.',
      ),
    );
  }
  if (posEmbed === 'sincos2d' && embedDim % 4 !== 0) {
    throw new InputError(
      expected("a multiple of 4 with posEmbed 'sincos2d'", 'embedDim', embedDim),
    );
  }
}

function assertTokens(config: VisionTransformerConfig): void {
  const { globalPool, classToken, distilled } = config;
  if (globalPool === 'token' && !classToken) {
    throw new InputError(
      expected(
        "'avg', 'avgmax', 'max', 'map' or '' with classToken false",
        'globalPool',
        globalPool,
      ),
    );
  }
  if (config.patchSubsets === true && globalPool !== 'token') {
    const remedy = 'An image without patches has its class token alone.';
    throw new InputError(
      expected("'token' with patchSubsets true", 'globalPool', globalPool, remedy),
    );
  }
  if (!distilled) return;
  const needed = {
    classToken: true,
    globalPool: 'token',
    regTokens: 0,
    fcNorm: false,
    noEmbedClass: false,
  } as const;
  for (const [name, value] of Object.entries(needed) as [keyof typeof needed, unknown][]) {
    if (config[name] !== value) {
      throw new InputError(
        expected(`${JSON.stringify(value)} with distilled true`, name, config[name]),
      );
    }
  }
}

// Parts that do not go together in timm either.
function assertParts(config: VisionTransformerConfig): void {
  const { blockFn = 'Block', mlpLayer = 'Mlp', scaleAttnNorm = false, scaleMlpNorm = false } = config; // prettier-ignore
  if (blockFn === 'ParallelScalingBlock') {
    const needed = { scaleAttnNorm, scaleMlpNorm, mlpLayer: mlpLayer !== 'Mlp' };
    for (const [name, given] of Object.entries(needed)) {
      if (!given) continue;
      const what = name === 'mlpLayer' ? '"Mlp"' : 'false';
      const received = name === 'mlpLayer' ? mlpLayer : true;
      throw new InputError(expected(`${what} with blockFn 'ParallelScalingBlock'`, name, received));
    }
  }
  if (mlpLayer === 'SwiGLUPacked' && mlpHiddenDimOf(config) % 2 !== 0) {
    const remedy = 'One half of the layer is the gate of the other.';
    const what = "an even embedDim · mlpRatio with mlpLayer 'SwiGLUPacked'";
    throw new InputError(expected(what, 'mlpRatio', config.mlpRatio, remedy));
  }
}

/** A sentence on the border of the images that makes no whole patch, and that the model does not see; none without one. */
export function unseenBorder({
  imageSize,
  patchSize,
}: Pick<VisionTransformerConfig, 'imageSize' | 'patchSize'>): string[] {
  const [below, right] = imageSize.map((size, axis) => size % patchSize[axis]!);
  if (below === 0 && right === 0) return [];
  const [height, width] = imageSize.map((size, axis) => size - (size % patchSize[axis]!));
  return [
    `Images of ${imageSize.join(' × ')} make no whole number of patches of ${patchSize.join(' × ')}: ${height} × ${width} pixels are seen, as in timm.`,
  ];
}

/**
 * One sentence for each unusual property of a configuration that can nevertheless be built. A summary shows them; building does not.
 *
 * One text on Vision Transformers demands that embedDim be a multiple of 3·numHeads, although its own 512 with 8 heads is
 * not; nothing in the model needs it.
 */
export function configWarnings(
  config: Pick<VisionTransformerConfig, 'embedDim' | 'numHeads'>,
): string[] {
  assertFields('config', config, { embedDim: 'count', numHeads: 'count' });
  const { embedDim, numHeads } = config;
  if (embedDim % (3 * numHeads) === 0) return [];
  return [
    `embedDim ${embedDim} is not a multiple of 3·numHeads = ${3 * numHeads}, which some texts ask for; the model works without it.`,
  ];
}
