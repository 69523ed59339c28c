// B85: classes, layers and sizes that there are not, given to the commands that explain models.

import { refuses } from '../suites/expect.ts';
import { namedClasses, shipped } from '../suites/fixtures.ts';
import { cases } from '../suites/row.ts';
import type { Place } from '../suites/place.ts';
import type { Row } from '../suites/row.ts';

const explain = (flags: readonly string[]) => [
  ...['explain', '--backend', 'cpu', '--checkpoint', shipped, '--image', '0'],
  ...flags,
];
const spoken = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];

/** The words that explain an image by a model whose classes have names. */
function namedDigits(place: Place): string[] {
  const words = namedClasses(place, spoken);
  return ['explain', ...words.slice(1)];
}

/** The rows on the flags of explanations. */
export const explainCommandRows: readonly Row[] = [
  ...cases('B85', [
    ...['-1', '10', '1.5', 'NaN', '', '1e9'].map((value) =>
      refuses(`--class-index ${value === '' ? 'with an empty value' : value}`, /class/, (place) =>
        explain([`--class-index=${value}`, '--output', place.path('x.png')]),
      ),
    ),
    refuses('a class by an unknown name: the nearest is named', /seven/, (place) => {
      const words = namedDigits(place);
      return [...words, '--class-index', 'sevem', '--output', place.path('x.png')];
    }),
    refuses('--second-class 10', /class/, (place) =>
      explain(['--second-class', '10', '--output', place.path('x.png')]),
    ),
    ...['-5', '4', '0.5', 'NaN'].map((value) =>
      refuses(`--start-layer ${value}`, /start-layer|startLayer/, (place) =>
        explain(['--start-layer', value, '--output', place.path('x.png')]),
      ),
    ),
    refuses('a method that there is not: the nearest is named', /grad-cam/, (place) =>
      explain(['--method', 'gradcam', '--output', place.path('x.png')]),
    ),
    refuses('--ledger of a method without one', /ledger/, (place) =>
      explain(['--method', 'rollout', '--ledger', '--output', place.path('x.png')]),
    ),
    refuses('trace --block 5 of 4', /block/, (place) => [
      ...['trace', '--backend', 'cpu', '--checkpoint', shipped, '--block', '5'],
      ...['--output', place.path('x.html')],
    ]),
    refuses('an output that is no page', /html/, (place) => [
      ...['trace', '--backend', 'cpu', '--checkpoint', shipped, '--output', place.path('x.png')],
    ]),
    refuses('eval-explain --images 0', /--images/, (place) => [
      ...['eval-explain', '--backend', 'cpu', '--images', '0', '--output-dir', place.path('out')],
    ]),
    refuses('eval-explain of an unknown method', /method, received "magic"/, (place) => [
      ...['eval-explain', '--backend', 'cpu', '--methods', 'magic'],
      ...['--output-dir', place.path('out')],
    ]),
    ...[
      ['--count', '0'],
      ['--count', '1e12'],
      ['--size', '3'],
      ['--size', '100000'],
      ['--max-objects', '0'],
      ['--seed', '-1'],
    ].map(([flag, value]) =>
      refuses(`scenes ${flag} ${value}`, new RegExp(flag!), (place) => [
        ...['scenes', flag!, value!, '--output', place.path('scenes')],
      ]),
    ),
  ]),
];
