// Every option of a transform and of augmentation changes what it makes.

import { Rng } from '../lib/core/rng.ts';
import { randomAffine } from '../lib/data/randomAffine.ts';
import { randomElastic } from '../lib/data/randomElastic.ts';
import { fitImage } from '../lib/data/fitImage.ts';
import {
  fitOptions,
  randomAffineOptions,
  randomElasticOptions,
} from '../lib/data/transformOptions.ts';
import type { OptionTable } from '../lib/core/option.ts';
import type { Transform } from '../lib/data/transform.ts';

describe('options of the transforms', () => {
  const rng = new Rng(1);
  const image = {
    width: 12,
    height: 8,
    channels: 1 as const,
    data: Uint8Array.from({ length: 96 }, () => 40 + rng.integer(200)),
  };
  const strong = { strength: 0.3 };
  const fit = { height: 6, width: 6 };
  const rows: [
    string,
    OptionTable,
    (options: never) => Transform,
    Record<string, [object, object]>,
  ][] = [
    [
      'randomAffine',
      randomAffineOptions,
      randomAffine as (options: never) => Transform,
      {
        degrees: [{}, { degrees: 90 }],
        translate: [{}, { translate: 0.5 }],
        scale: [{}, { scale: [0.5, 0.6] }],
        shear: [{}, { shear: 40 }],
        fill: [{ degrees: 90 }, { degrees: 90, fill: 255 }],
      },
    ],
    [
      'randomElastic',
      randomElasticOptions,
      randomElastic as (options: never) => Transform,
      {
        strength: [strong, { strength: 0.1 }],
        cells: [strong, { ...strong, cells: 2 }],
        fill: [strong, { ...strong, fill: 255 }],
      },
    ],
    [
      'fit',
      fitOptions,
      (options: never) => (one) => fitImage(one, options),
      {
        height: [fit, { ...fit, height: 4 }],
        width: [fit, { ...fit, width: 4 }],
        cropMode: [fit, { ...fit, cropMode: 'squash' }],
        cropPct: [fit, { ...fit, cropPct: 0.5 }],
        interpolation: [fit, { ...fit, interpolation: 'bicubic' }],
      },
    ],
  ];

  test.each(rows)('%s: each changes the image', (_, table, make, pairs) => {
    expect(Object.keys(pairs).sort()).toEqual(Object.keys(table).sort());
    for (const [name, pair] of Object.entries(pairs)) {
      const [one, other] = pair.map((options) =>
        [...Array(8).keys()].map((seed) =>
          JSON.stringify(make(options as never)(image, new Rng(seed))),
        ),
      );
      expect([name, String(one) === String(other)]).toEqual([name, false]);
    }
  });
});
