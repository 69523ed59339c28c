/** An event of the Trace Event Format; `ts` and `dur` in µs. */
export interface TraceEvent {
  name: string;
  ph: string;
  ts: number;
  dur: number;
  cat: string;
  pid: number;
  tid: number;
}

/** Asserts that complete events come in the order of their start and that each lies within the one around it. */
export function expectNested(events: readonly TraceEvent[]): void {
  const complete = events.filter(({ ph }) => ph === 'X');
  expect(complete.length).toBeGreaterThan(0);
  expect(events.every(({ ph }) => ph === 'X' || ph === 'M')).toBe(true);
  const ranks = ['step', 'phase', 'part', 'kernel'];
  const nanoseconds = (us: number) => Math.round(us * 1000);
  const open: { end: number; rank: number }[] = [];
  let last = 0;
  for (const { ts, dur, cat } of complete) {
    const [start, end, rank] = [nanoseconds(ts), nanoseconds(ts + dur), ranks.indexOf(cat)];
    expect(Number.isFinite(ts) && Number.isFinite(dur) && dur >= 0 && rank >= 0).toBe(true);
    expect(start).toBeGreaterThanOrEqual(last);
    last = start;
    while (open.length > 0 && open.at(-1)!.end <= start && open.at(-1)!.end < end) open.pop();
    const around = open.at(-1);
    if (around !== undefined) {
      expect(end).toBeLessThanOrEqual(around.end);
      expect(rank).toBeGreaterThanOrEqual(around.rank);
    }
    open.push({ end, rank });
  }
}
