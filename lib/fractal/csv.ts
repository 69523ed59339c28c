// The parameters of a category as a CSV file, byte for byte as numpy.savetxt writes them.

import { InputError, expected, show } from '../core/errors.ts';
import { ifsOf, maxMaps, rowsOf, type Ifs } from './ifs.ts';

/**
 * A system as text: a line for each map with a, b, c, d, e, f, p, each as C's `%.18e`.
 *
 * @example formatCsv(ifs);   // "1.724223243171234508e-01,-7.311756060787280153e-01,…\n"
 */
export function formatCsv(ifs: Ifs): string {
  return rowsOf(ifs)
    .map((row) => `${row.map(exponential).join(',')}\n`)
    .join('');
}

/** The system of a CSV file. @throws InputError naming the file and the line */
export function parseCsv(text: string, file: string): Ifs {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (lines.length === 0 || lines.length > maxMaps) {
    throw new InputError(
      expected(`1 to ${maxMaps} lines a,b,c,d,e,f,p`, show(file), `${lines.length} lines`),
    );
  }
  const rows = lines.map((line, i) => {
    const row = line.split(',').map((word) => (word.trim() === '' ? NaN : Number(word)));
    if (row.length !== 7 || !row.every(Number.isFinite) || row[6]! < 0) {
      throw new InputError(
        expected('7 numbers a,b,c,d,e,f,p', `line ${i + 1} of ${show(file)}`, line),
      );
    }
    return row;
  });
  return ifsOf(rows);
}

/** A number as C's `%.18e` writes it: 19 digits, the nearest, ties to even; an exponent of at least two digits. */
export function exponential(value: number): string {
  const [mantissa, exponent] = value.toExponential(18).split('e') as [string, string];
  const digits = exponent.slice(1).padStart(2, '0');
  return `${evenTie(value, mantissa)}e${exponent[0]}${digits}`;
}

// JavaScript rounds a tie away from zero. A tie's digits end in 5, which all of them show.
function evenTie(value: number, mantissa: string): string {
  const all = value.toExponential(100).split('e')[0]!;
  const from = mantissa.length;
  const isTie = /^50*$/.test(all.slice(from));
  const isEven = Number(all[from - 1]) % 2 === 0;
  return isTie && isEven ? all.slice(0, from) : mantissa;
}
