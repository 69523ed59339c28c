// The rows of a CSV file of paths and labels.

import { InputError, expected } from '../core/errors.ts';

/** A row of a list. @property line  from 1, as an editor counts */
export interface CsvRow {
  readonly line: number;
  readonly path: string;
  readonly label: string;
}

/**
 * Reads lines of `path,label`, in quotes or without. Empty lines and a heading are left out.
 *
 * @param name  how errors call the file
 * @throws InputError naming the line that has not two fields, or an empty one
 */
export function csvRows(text: string, name: string): CsvRow[] {
  const rows: CsvRow[] = [];
  for (const [i, one] of text.split(/\r?\n/).entries()) {
    if (one.trim() === '') continue;
    const line = i + 1;
    const fields = fieldsOf(one);
    const [path = '', label = ''] = fields ?? [];
    if (fields?.length !== 2 || path === '' || label === '') {
      const remedy = 'A path with a comma stands in double quotes.';
      throw new InputError(expected('path,label', `line ${line} of ${name}`, one, remedy));
    }
    if (rows.length === 0 && /^(label|class|target)$/i.test(label)) continue;
    rows.push({ line, path, label });
  }
  return rows;
}

// The fields of a line by RFC 4180, without white space around them; undefined where a quote is not closed.
function fieldsOf(line: string): string[] | undefined {
  if (!line.includes('"')) return line.split(',').map((field) => field.trim());
  const fields: string[] = [];
  const field = /\s*(?:"((?:[^"]|"")*)"|([^",]*))\s*(,|$)/y;
  while (field.lastIndex <= line.length) {
    const found = field.exec(line);
    if (found === null) return undefined;
    const [, quoted, plain = '', end] = found;
    fields.push(quoted === undefined ? plain.trim() : quoted.replaceAll('""', '"'));
    if (end === '') return fields;
  }
  return undefined;
}
