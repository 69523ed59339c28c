import { sampleStatistics } from '../lib/core/sampleStatistics.ts';
import { csvTable, markdownTable } from '../lib/core/textTable.ts';

describe('sampleStatistics', () => {
  test('mean, deviation and the interval of Student', () => {
    const { mean, deviation, halfWidth } = sampleStatistics([1, 2, 4]);
    expect(mean).toBeCloseTo(7 / 3, 12);
    expect(deviation).toBeCloseTo(Math.sqrt(7 / 3), 12);
    // scipy.stats.t.ppf(0.975, 2) = 4.302652729911275
    expect(halfWidth).toBeCloseTo((4.302653 * Math.sqrt(7 / 3)) / Math.sqrt(3), 5);
  });

  test('a single measurement has no interval', () => {
    expect(sampleStatistics([0.5])).toEqual({ mean: 0.5, deviation: 0, halfWidth: null });
  });

  test('the quantile beyond the table', () => {
    const values = Array.from({ length: 41 }, (_, i) => (i % 2 === 0 ? 1 : -1));
    const { deviation, halfWidth } = sampleStatistics(values);
    // scipy.stats.t.ppf(0.975, 40) = 2.0210753829953374
    expect((halfWidth! * Math.sqrt(41)) / deviation).toBeCloseTo(2.021075, 4);
  });

  test('nothing, and what is not finite, is refused', () => {
    expect(() => sampleStatistics([])).toThrow(/^Expected at least one for the values/);
    expect(() => sampleStatistics([1, NaN])).toThrow(/^Expected a finite number for values\[1\]/);
  });
});

describe('tables', () => {
  const table = {
    head: ['a', 'b'],
    rows: [
      ['x|y, "z"', 12.5],
      ['', null],
    ],
  };

  test('Markdown pads its columns and escapes bars', () => {
    expect(markdownTable(table)).toBe(
      [
        '| a         |    b |',
        '| --------- | ---: |',
        '| x\\|y, "z" | 12.5 |',
        '|           |      |',
        '',
      ].join('\n'),
    );
  });

  test('a row of another length is refused', () => {
    const short = { ...table, rows: [['only']] };
    expect(() => csvTable(short)).toThrow(/^Expected 2 cells for rows\[0\], received "1 cells"/);
  });

  test('CSV quotes what needs it', () => {
    expect(csvTable(table)).toBe('a,b\n"x|y, ""z""",12.5\n,\n');
  });
});
