import { Rng } from '../lib/core/rng.ts';
import { candidateStream, drawCandidate, searchRules } from '../lib/fractal/candidates.ts';
import { choicesOf, drawChoices, withTops } from '../lib/fractal/choices.ts';
import { exponential, formatCsv, parseCsv } from '../lib/fractal/csv.ts';
import { FillPicture, filledPixels } from '../lib/fractal/fill.ts';
import { cumulated, ifsOf, rowsOf, weighted, type Ifs } from '../lib/fractal/ifs.ts';
import { typescriptKernels } from '../lib/fractal/kernels.ts';
import { makeLayout, pixelsOf } from '../lib/fractal/layout.ts';
import { Mt19937 } from '../lib/fractal/mt19937.ts';
import { parseFractalOptions } from '../lib/fractal/options.ts';
import { drawMasks, flipped, paint, pointMasks } from '../lib/fractal/paint.ts';
import { fileName, placeOf, placesOf } from '../lib/fractal/places.ts';
import { FractalRenderer, pictureImage } from '../lib/fractal/renderer.ts';
import { follow, makeTrajectory } from '../lib/fractal/trajectory.ts';
import { weightTable } from '../lib/fractal/weights.ts';

/** A system of random maps; `spread` above 0.7 or so runs to infinity now and then. */
function randomSystem(rng: Rng, spread: number): Ifs {
  const rows = Array.from({ length: 2 + rng.integer(6) }, () => [
    ...Array.from({ length: 4 }, () => rng.uniform(-spread, spread)),
    rng.uniform(-1, 1),
    rng.uniform(-1, 1),
  ]);
  const areas = rows.map(([a, b, c, d]) => Math.abs(a! * d! - b! * c!));
  const sum = areas.reduce((total, area) => total + area, 0);
  return ifsOf(rows.map((row, i) => [...row, areas[i]! / sum]));
}

const first15 = [23, 28, 67, 87, 94, 154, 162, 194, 197, 303, 311, 424, 443, 479, 497];

describe("numpy's generator", () => {
  test('gives the doubles and integers of RandomState', () => {
    const one = new Mt19937(1);
    expect([one.random(), one.random(), one.random()]).toEqual([
      0.417022004702574, 0.7203244934421581, 0.00011437481734488664,
    ]);
    const hundred = new Mt19937(100);
    expect([hundred.random(), hundred.random()]).toEqual([0.5434049417909654, 0.27836938509379616]);
    // The test vector of the authors: the 10,000th word of init_genrand(5489).
    const standard = new Mt19937(5489);
    standard.skip(9999);
    expect(standard.uint32()).toBe(4123659995);
  });

  test('passes over words as if they were drawn', () => {
    for (const count of [0, 1, 623, 624, 625, 5000]) {
      const [skipping, drawing] = [new Mt19937(7), new Mt19937(7)];
      expect(skipping.uint32()).toBe(drawing.uint32());
      skipping.skip(count);
      for (let i = 0; i < count; i += 1) drawing.uint32();
      expect(skipping.uint32()).toBe(drawing.uint32());
    }
    const copy = new Mt19937(3);
    copy.skip(100);
    expect(copy.clone().uint32()).toBe(copy.uint32());
  });

  test('draws integers by masking and drawing again', () => {
    const generator = new Mt19937(1);
    const drawn = Array.from({ length: 2000 }, () => generator.integer(2, 8));
    expect(new Set(drawn)).toEqual(new Set([2, 3, 4, 5, 6, 7]));
    expect(new Mt19937(1).integer(4, 5)).toBe(4);
  });
});

describe('choices of maps', () => {
  test('by table equal those of comparing every number, straddling blocks and near the limits', () => {
    const rng = new Rng(3);
    for (let trial = 0; trial < 12; trial += 1) {
      const ifs = randomSystem(rng, 0.5);
      const [drawing, numbers] = [new Mt19937(trial), new Mt19937(trial)];
      drawing.skip(trial * 7);
      numbers.skip(trial * 7);
      const drawn = new Uint8Array(3000 + trial);
      drawChoices(drawing, ifs, drawn);
      const random = Float64Array.from(drawn, () => numbers.random());
      const sums = cumulated(ifs);
      const compared = Uint8Array.from(
        random,
        (number) => 8 * sums.findIndex((sum, i) => number <= sum || i === sums.length - 1),
      );
      expect(drawn).toEqual(compared);
      expect(choicesOf(withTops(random), ifs)).toEqual(compared);
      expect(drawing.uint32()).toBe(numbers.uint32());
    }
  });

  test('a number equal to a limit takes the lower map, one above all the last', () => {
    const ifs = ifsOf([
      [0.5, 0, 0, 0.5, 0, 0, 0.25],
      [0.5, 0, 0, 0.5, 1, 0, 0.5],
      [0.5, 0, 0, 0.5, 0, 1, 0.24],
    ]);
    const random = Float64Array.of(0, 0.25, 0.25 + 2 ** -53, 0.75, 0.76, 0.995, 1 - 2 ** -53);
    expect([...choicesOf(withTops(random), ifs)]).toEqual([0, 0, 8, 8, 16, 16, 16]);
  });

  test('a map that is never chosen stands between two that are', () => {
    const ifs = ifsOf([
      [0.5, 0, 0, 0.5, 0, 0, 0.3],
      [0.5, 0, 0, 0.5, 1, 0, 0],
      [0.5, 0, 0, 0.5, 0, 1, 0.7],
    ]);
    const random = Float64Array.of(0.1, 0.3, 0.3000001, 0.9);
    expect([...choicesOf(withTops(random), ifs)]).toEqual([0, 0, 16, 16]);
  });
});

describe('the search', () => {
  test('accepts the first 15 candidates of the official list, and no other', () => {
    const found = typescriptKernels().scan(candidateStream(), 498, { first: 0, step: 1 });
    expect(found.map(({ offset }) => offset)).toEqual(first15);
    expect(found.slice(0, 5).map(({ ifs }) => ifs.probabilities.length)).toEqual([5, 3, 2, 5, 4]);
    expect(rowsOf(found[0]!.ifs)[0]).toEqual([
      0.17242232431712345, -0.731175606078728, -0.29667280350919323, -0.27776605636600404,
      0.6115739281576646, -0.20193350226509676, 0.14141343070134194,
    ]);
    expect(formatCsv(found[0]!.ifs).split('\n')[0]).toBe(
      '1.724223243171234543e-01,-7.311756060787280020e-01,-2.966728035091932281e-01,-2.777660563660040438e-01,' +
        '6.115739281576646480e-01,-2.019335022650967648e-01,1.414134307013419356e-01',
    );
  });

  test('in shares finds the same, and leaves the generator at the same place', () => {
    const kernels = typescriptKernels();
    const [whole, ...generators] = Array.from({ length: 4 }, candidateStream) as [
      Mt19937,
      ...Mt19937[],
    ];
    const all = kernels.scan(whole, 60, { first: 0, step: 1 });
    const parts = generators.flatMap((generator, first) =>
      kernels.scan(generator, 60, { first, step: 3 }),
    );
    expect(parts.sort((a, b) => a.offset - b.offset)).toEqual(all);
    expect(all.map(({ offset }) => offset)).toEqual([23, 28]);
    const next = whole.uint32();
    expect(generators.map((generator) => generator.uint32())).toEqual([next, next, next]);
  });

  test('counts as the whole picture would, at its limit too', () => {
    const generator = candidateStream();
    const picture = new FillPicture(searchRules.size, searchRules.pad);
    const trajectory = makeTrajectory(8000);
    let between = 0;
    for (let i = 0; i < 40; i += 1) {
      const ifs = drawCandidate(generator);
      const choices = new Uint8Array(trajectory.xs.length - 1);
      drawChoices(generator, ifs, choices);
      generator.skip(2);
      follow(ifs, choices, trajectory);
      const filled = filledPixels(trajectory, searchRules).length;
      if (filled === 0) continue;
      between += 1;
      expect(picture.reaches(trajectory, filled)).toBe(true);
      expect(picture.reaches(trajectory, filled + 1)).toBe(false);
    }
    expect(between).toBeGreaterThan(20);
  });

  test('drops what is no number and 100 points before it', () => {
    const growing = ifsOf([[1.5, 0.2, -0.3, -1.5, 0.1, -0.2, 1]]);
    const trajectory = makeTrajectory(6000);
    follow(growing, new Uint8Array(5999), trajectory);
    const end = trajectory.xs.subarray(0, 4000).findIndex(Number.isNaN);
    expect(end).toBeGreaterThan(500);
    expect(trajectory.count).toBe(end - 100);
    follow(growing, new Uint8Array(5999), trajectory, 2 ** 100);
    expect(trajectory.count).toBe(0);
  });
});

describe('CSV', () => {
  test.each([
    [0.1, '1.000000000000000056e-01'],
    [0, '0.000000000000000000e+00'],
    [-1.5, '-1.500000000000000000e+00'],
    [123456, '1.234560000000000000e+05'],
    [1e-120, '9.999999999999999786e-121'],
    // Ties of 19 digits go to the even one, as in C.
    [2 ** 53, '9.007199254740992000e+15'],
    [1 + 2 ** -19, '1.000001907348632812e+00'],
    [1 + 3 * 2 ** -19, '1.000005722045898438e+00'],
  ])('%d as %s', (value, text) => expect(exponential(value)).toBe(text));

  test('gives back every bit', () => {
    const rng = new Rng(5);
    for (let i = 0; i < 50; i += 1) {
      const ifs = randomSystem(rng, 1);
      expect(parseCsv(formatCsv(ifs), 'a.csv')).toEqual(ifs);
    }
  });

  test.each([
    ['', /1 to 31 lines/],
    ['1,2,3\n', /7 numbers a,b,c,d,e,f,p for line 1 of "a.csv", received "1,2,3"/],
    ['1,2,3,4,5,6,0.5\n1,2,3,x,5,6,.5\n', /line 2 of "a.csv"/],
    ['1,2,3,4,5,6,-0.5\n', /line 1/],
    ['1,2,3,,5,6,0.5\n', /line 1/],
    ['1,2,3,inf,5,6,0.5\n', /line 1/],
  ])('refuses %j', (text, message) => expect(() => parseCsv(text, 'a.csv')).toThrow(message));
});

/** Pastes every point in its order, as the published code does, and turns the picture over. */
function pasted(ifs: Ifs, choices: Uint8Array, masks: (point: number) => number, patch: boolean) {
  const [size, pad] = [48, 6];
  const trajectory = makeTrajectory(choices.length + 1);
  follow(ifs, choices, trajectory);
  const { x, y } = pixelsOf(trajectory, { size, pad });
  const picture = new Uint8Array(size * size);
  x.forEach((left, i) => {
    const top = y[i]!;
    if (!patch) {
      picture[top * size + left] = 1 + (i % 128);
      return;
    }
    const bits = masks(i).toString(2).padStart(9, '0');
    for (let row = 0; row < 3; row += 1)
      for (let column = 0; column < 3; column += 1)
        picture[(top + 1 + row) * size + left + 1 + column] =
          bits[3 * row + column] === '1' ? 1 + (i % 128) : 0;
  });
  return flipped(picture, size, 1);
}

describe('pictures', () => {
  test.each([true, false])(
    'from the last point back are those pasted in order, patch %s',
    (patch) => {
      const rng = new Rng(11);
      const kernels = typescriptKernels();
      for (let trial = 0; trial < 12; trial += 1) {
        const ifs = randomSystem(rng, 0.6);
        const random = Float64Array.from({ length: 4000 }, () => rng.uniform());
        const masks = Uint16Array.from({ length: 4001 }, () => 1 + rng.integer(511));
        const choices = choicesOf(withTops(random), ifs);
        const layout = makeLayout(48);
        kernels.layOut(ifs, choices, { size: 48, pad: 6 }, patch, layout);
        const visible = layout.visible.subarray(0, layout.count);
        const out = new Uint8Array(48 * 48);
        const own = new Uint16Array(layout.count + 1);
        if (patch) own.set(Uint16Array.from(visible, (i) => masks[i]!));
        else pointMasks(layout, own);
        paint(layout, own, true, out);
        expect(out).toEqual(pasted(ifs, choices, (i) => masks[i]!, patch));
      }
    },
  );

  test('flips are those of the whole picture', () => {
    const picture = Uint8Array.of(1, 2, 3, 4);
    const flip = (kind: number): number[] => [...flipped(picture, 2, kind)];
    expect([0, 1, 2, 3].map(flip)).toEqual([
      [1, 2, 3, 4],
      [3, 4, 1, 2],
      [2, 1, 4, 3],
      [4, 3, 2, 1],
    ]);
  });

  test('masks are 1 to 511, each as often', () => {
    const masks = new Uint16Array(511 * 200);
    drawMasks(new Rng(0), masks.length, masks);
    const counts = new Array<number>(512).fill(0);
    masks.forEach((mask) => (counts[mask]! += 1));
    expect(counts[0]).toBe(0);
    const chi = counts.slice(1).reduce((sum, count) => sum + (count - 200) ** 2 / 200, 0);
    expect(chi).toBeGreaterThan(510 - 5 * 32);
    expect(chi).toBeLessThan(510 + 5 * 32);
  });

  test('do not depend on the pictures before them', () => {
    const ifs = ifsOf([
      [0.5, 0, 0, 0.5, 0, 0, 0.4],
      [0.5, 0.1, 0, 0.5, 0.5, 0, 0.3],
      [0.5, 0, 0, 0.5, 0.25, 0.5, 0.3],
    ]);
    const other = weighted(ifs, [1, 1, 1, 1, 0.5, 1]);
    const options = parseFractalOptions({ size: 40, points: 3000 });
    const make = () => new FractalRenderer(options, typescriptKernels());
    const one = make();
    const seen = new Set<string>();
    for (const [system, place] of [
      [ifs, placeOf(0, 0)],
      [ifs, placeOf(0, 25)],
      [ifs, placeOf(0, 100)],
      [ifs, placeOf(0, 1)],
      [other, placeOf(1, 1)],
      [ifs, placeOf(0, 101)],
      [ifs, placeOf(2, 101)],
    ] as const) {
      const picture = one.picture(system, place);
      expect(picture).toEqual(make().picture(system, place));
      const { data } = pictureImage(picture, 3);
      expect(data.length).toBe(40 * 40 * 3);
      expect(new Set(data)).toEqual(new Set([0, 127]));
      seen.add(Buffer.from(data).toString('hex'));
    }
    expect(seen.size).toBe(7);
    const seeded = new FractalRenderer({ ...options, seed: 2 }, typescriptKernels());
    expect(seeded.picture(ifs, placeOf(0, 0))).not.toEqual(one.picture(ifs, placeOf(0, 0)));
  });

  test('a system without an extent is refused', () => {
    const point = ifsOf([[0.5, 0, 0, 0.5, 0, 0, 1]]);
    const renderer = new FractalRenderer(
      parseFractalOptions({ size: 32, points: 100 }),
      typescriptKernels(),
    );
    expect(() => renderer.picture(point, placeOf(0, 0))).toThrow(/points with an extent/);
  });
});

describe('places', () => {
  test('fewer pictures are the first of more, weights first', () => {
    expect(placeOf(3, 0)).toEqual({ category: 3, weight: 2, pattern: 0, flip: 0 });
    expect(new Set(placesOf(0, 25).map(({ weight }) => weight)).size).toBe(25);
    const names = placesOf(7, 1000).map(fileName);
    expect(new Set(names).size).toBe(1000);
    expect(names.at(-1)).toBe('00007_24_count_9_flip3.png');
    const fewer = placesOf(7, 137).map(fileName);
    expect(fewer.every((name) => names.includes(name))).toBe(true);
  });

  test('weights of 0.5 keep 0.01 in place of 0', () => {
    expect(
      weightTable(0.5)
        .slice(0, 5)
        .map(([a]) => a),
    ).toEqual([0.01, 0.5, 1, 1.5, 2]);
    expect(weightTable(0.4)[24]).toEqual([1, 1, 1, 1, 1, 1.8]);
    expect(() => weightTable(0)).toThrow(/> 0 and ≤ 0.5/);
  });

  test.each([
    [{ size: 15 }, /size/],
    [{ size: 16, pad: 7 }, /at most 6 for pad at size 16/],
    [{ draw: 'patch' }, /draw/],
    [{ draw: 'point_gray', instances: 101 }, /at most 100 for instances with point_gray/],
    [{ weights: 0.6 }, /weights/],
    [{ categoris: 3 }, /Did you mean categories/],
  ])('refuse %j', (options, message) =>
    expect(() => parseFractalOptions(options)).toThrow(message),
  );

  test('pictures of points are 100 by default', () => {
    expect(parseFractalOptions({ draw: 'point_color' }).instances).toBe(100);
    expect(parseFractalOptions({}).instances).toBe(1000);
  });
});
