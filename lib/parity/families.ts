// The families of golden cases by name.

import { augment } from './families/augment.ts';
import { checkpoints } from './families/checkpoints.ts';
import { encoders } from './families/encoders.ts';
import { explain } from './families/explain.ts';
import { fractaldb } from './families/fractaldb.ts';
import { resnetTorchvision } from './families/resnet.ts';
import { trainStep } from './families/trainStep.ts';
import { vitTimm } from './families/vitTimm.ts';
import type { Family } from './family.ts';

/** The families this build can run, by name. Adding one is a file in families/ and a line here. */
export const families: ReadonlyMap<string, Family> = new Map(
  [vitTimm, trainStep, checkpoints, augment, explain, fractaldb, resnetTorchvision, encoders].map(
    (family) => [family.name, family],
  ),
);
