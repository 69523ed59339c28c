// The assignment of the least cost: the Hungarian method by shortest augmenting paths.

import { InputError, ShapeError, expected } from '../../core/errors.ts';
import { assertListOf } from '../../core/kinds.ts';

/**
 * Gives each row a column of its own so that the sum of the costs is the least.
 *
 * @param costs  rows of equal length, with at least as many columns as rows, finite
 * @returns the column of each row
 * @throws ShapeError if there are fewer columns than rows or the rows differ in length; InputError for a cost that is not finite
 *
 * O(rows²·columns). It keeps prices of rows and columns under which no cost is negative, and adds a row at a time along the cheapest
 * alternating path.
 *
 * Source: Jonker and Volgenant 1987; scipy.optimize.linear_sum_assignment.
 *
 * @example assign([[4, 1, 3], [2, 0, 5]]);   // [1, 0]: 1 + 2
 */
export function assign(costs: readonly (readonly number[])[]): number[] {
  assertListOf('costs', costs, 'list');
  const rows = costs.length;
  const columns = costs[0]?.length ?? 0;
  for (const [i, row] of costs.entries()) {
    if (row.length !== columns || columns < rows) {
      const what = `${Math.max(columns, rows)} columns, the same for each row and no fewer than rows,`;
      throw new ShapeError(expected(what, `row ${i} of costs`, row.length));
    }
    const wrong = row.find((cost) => !Number.isFinite(cost));
    if (wrong === undefined) continue;
    throw new InputError(expected('a finite number', `a cost of row ${i}`, wrong));
  }
  const rowPrice = new Float64Array(rows);
  const columnPrice = new Float64Array(columns);
  const rowOf = new Int32Array(columns).fill(-1);
  for (let added = 0; added < rows; added += 1) {
    const distance = new Float64Array(columns).fill(Infinity);
    const before = new Int32Array(columns).fill(-1); // the row from which a column is reached
    const done = new Uint8Array(columns);
    let row = added;
    let reached = 0;
    let end = -1;
    while (end < 0) {
      let next = -1;
      for (let j = 0; j < columns; j += 1) {
        if (done[j] === 1) continue;
        const through = reached + costs[row]![j]! - rowPrice[row]! - columnPrice[j]!;
        if (through < distance[j]!) {
          distance[j] = through;
          before[j] = row;
        }
        if (next < 0 || distance[j]! < distance[next]!) next = j;
      }
      reached = distance[next]!;
      done[next] = 1;
      if (rowOf[next]! < 0) end = next;
      else row = rowOf[next]!;
    }
    // Prices move so that the path costs nothing; then the path is turned over.
    rowPrice[added] = rowPrice[added]! + reached;
    for (let j = 0; j < columns; j += 1) {
      if (done[j] !== 1 || j === end) continue;
      const gain = reached - distance[j]!;
      columnPrice[j] = columnPrice[j]! - gain;
      rowPrice[rowOf[j]!] = rowPrice[rowOf[j]!]! + gain;
    }
    for (let j = end; ;) {
      const from = before[j]!;
      const freed = rowOf.indexOf(from);
      rowOf[j] = from;
      if (from === added) break;
      j = freed;
    }
  }
  const columnOf = new Array<number>(rows).fill(-1);
  rowOf.forEach((row, column) => {
    if (row >= 0) columnOf[row] = column;
  });
  return columnOf;
}
