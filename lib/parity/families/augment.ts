// Family augment: pixels of PIL, timm, torchvision and transformers, tables of policies, and statistics of what is random.

import path from 'node:path';
import { InputError, expected } from '../../core/errors.ts';
import { jitters } from '../../data/augment/colorJitter.ts';
import { applyOp, opNames, type OpName } from '../../data/augment/ops.ts';
import { rgbOfGrey } from '../../data/pixels/luma.ts';
import { cropImage, flipHorizontally, type CropBox } from '../../data/pixels/crop.ts';
import { resizeImage, type ResizeFilter } from '../../data/resizeImage.ts';
import { decodeImage } from '../../io/decodeImage.ts';
import { Produced } from '../family.ts';
import { GoldenFile } from '../goldenTensors.ts';
import { readBytes } from '../goldenCase.ts';
import { addLevels, pictureOf, recordOf, stepsOf } from './augmentCase.ts';
import { evalOutputs, processorOutputs } from './augmentEval.ts';
import { erasingOutputs, mixupOutputs, policyTables, cropStatistics } from './augmentRandom.ts';
import type { RgbImage } from '../../core/image.ts';
import type { OpContext } from '../../data/augment/ops.ts';
import type { CasePlan, Family } from '../family.ts';
import type { GoldenCase } from '../goldenCase.ts';

/** Augmentation and preprocessing of images, which run on no backend. */
export const augment: Family = { name: 'augment', plan };

function plan(golden: GoldenCase): CasePlan {
  const kind = kindOf(golden);
  const run = kind === undefined ? undefined : kinds[kind];
  const reason = 'this kind of augment case is not supported yet';
  return {
    unsupported: () => (run === undefined ? reason : undefined),
    // Levels and tables contain no matrix product.
    bf16Rule: () => ({ kind: 'stored' }),
    ...(run && { run: async () => run(golden) }),
  };
}

type Run = (golden: GoldenCase) => Produced | Promise<Produced>;

const kinds: Record<string, Run> = {
  ops: (golden) => eachStep(golden, opOutput),
  jitter: (golden) => eachStep(golden, jitterOutput),
  resize: (golden) => eachStep(golden, resizeOutput),
  'resized-crop': (golden) => eachStep(golden, resizedCropOutput),
  eval: evalOutputs,
  'hf-processors': processorOutputs,
  jpeg: decodedFiles,
  'mixup-cutmix': mixupOutputs,
  'random-erasing': erasingOutputs,
  'random-resized-crop-statistics': cropStatistics,
  policies: policyTables,
};

// The longest kind that the name begins with: `resized-crop-chelsea` is no `resize`.
function kindOf(golden: GoldenCase): string | undefined {
  const fits = Object.keys(kinds).filter(
    (kind) => golden.case === kind || golden.case.startsWith(`${kind}-`),
  );
  return fits.sort((a, b) => b.length - a.length)[0];
}

async function eachStep(
  golden: GoldenCase,
  output: (image: RgbImage, step: unknown, where: string) => RgbImage,
): Promise<Produced> {
  const image = await pictureOf(golden);
  const produced = new Produced();
  stepsOf(golden).forEach((step, i) => {
    const result = output(image, step, `step ${i} of ${golden.name}`);
    addLevels(produced, 'outputs.safetensors', String(i).padStart(3, '0'), result);
  });
  return produced;
}

function opOutput(image: RgbImage, step: unknown, where: string): RgbImage {
  const { op, args, resample = 'nearest', fillcolor = [0, 0, 0] } = recordOf(step, where);
  if (!(opNames as readonly unknown[]).includes(op)) {
    throw new InputError(expected(`one of ${opNames.join(', ')}`, `op of ${where}`, op));
  }
  const context = { filter: resample, fill: fillcolor } as OpContext;
  const [argument = 0] = args as number[];
  return applyOp(op as OpName, image, argument, context);
}

function jitterOutput(image: RgbImage, step: unknown, where: string): RgbImage {
  const changes = step as [keyof typeof jitters, number][];
  return changes.reduce((current, [name, factor]) => {
    if (!Object.hasOwn(jitters, name)) {
      throw new InputError(expected(`one of ${Object.keys(jitters).join(', ')}`, where, name));
    }
    return jitters[name](current, factor);
  }, image);
}

function resizeOutput(image: RgbImage, step: unknown, where: string): RgbImage {
  const { size_wh: size, resample } = recordOf(step, where);
  const [width, height] = size as [number, number];
  return resizeImage(image, { width, height }, resample as ResizeFilter);
}

function resizedCropOutput(image: RgbImage, step: unknown, where: string): RgbImage {
  const { top, left, height, width, size, resample, hflip } = recordOf(step, where);
  const part = cropImage(image, { top, left, height, width } as CropBox);
  const side = size as number;
  const scaled = resizeImage(part, { width: side, height: side }, resample as ResizeFilter);
  return hflip === true ? flipHorizontally(scaled) : scaled;
}

async function decodedFiles(golden: GoldenCase): Promise<Produced> {
  const file = 'decoded.safetensors';
  const produced = new Produced();
  for (const name of new GoldenFile(golden, file).tensors.keys()) {
    const bytes = readBytes(path.join(golden.folder, name));
    const image = await decodeImage(bytes, { mode: 'pil' });
    addLevels(produced, file, name, rgbOfGrey(image));
  }
  return produced;
}
