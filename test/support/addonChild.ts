// Runs all attacks on one addon in a process of its own, where a crash is seen as a failure: writes a JSON line before and after each
// to a file, since a pipe may be full.
//   node --import tsx test/support/addonChild.ts ADDON FILE

import { openSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { attacksOn, overlapping } from './addonAttacks.ts';
import { addonCalls, type Argument } from './addonCalls.ts';

type Addon = Record<string, (...args: unknown[]) => unknown>;

/** The report of an attack; `got` is missing while it runs. */
export interface Report {
  name: string;
  what: string;
  wanted?: string;
  got?: string;
}

const file = openSync(process.argv[3]!, 'w');
const say = (report: Report): void => void writeSync(file, `${JSON.stringify(report)}\n`);

function outcomeOf(body: () => unknown): string {
  try {
    body();
    return 'value';
  } catch (error) {
    if (error instanceof RangeError && error.message === 'getter') return 'getter';
    return error instanceof TypeError ? 'TypeError' : String(error);
  }
}

function attack(addon: Addon, name: string, call: readonly Argument[]): void {
  const run = addon[name]!;
  const valid = (): unknown[] => call.map(({ make }) => make());
  const one = (what: string, wanted: string, args: () => unknown[]): void => {
    say({ name, what });
    const made = args();
    say({ name, what, wanted, got: outcomeOf(() => run(...made)) });
  };
  one('a valid call', 'value', valid);
  for (const { what, args, outcome } of attacksOn(call, (args) => void run(...args)))
    one(what, outcome, args);
  one('one array for all of a length', 'value', () => overlapping(call));
  one('a valid call after all that', 'value', valid);
}

const addon = createRequire(import.meta.url)(process.argv[2]!) as Addon;
for (const name of Object.keys(addon)) {
  const call = addonCalls[name];
  if (call === undefined)
    say({ name, what: 'a call in addonCalls.ts', wanted: 'one', got: 'none' });
  else attack(addon, name, call);
}
