// The list of commands.

import { ablate } from './commands/ablate.ts';
import { augment } from './commands/augment.ts';
import { average } from './commands/average.ts';
import { bench } from './commands/bench.ts';
import { convert } from './commands/convert.ts';
import { demo } from './commands/demo.ts';
import { evaluateCommand } from './commands/eval.ts';
import { evalExplain } from './commands/evalExplain.ts';
import { explain } from './commands/explain.ts';
import { fractaldb } from './commands/fractaldb.ts';
import { inspect } from './commands/inspect.ts';
import { learned } from './commands/learned.ts';
import { parity } from './commands/parity.ts';
import { positions } from './commands/positions.ts';
import { predict } from './commands/predict.ts';
import { profile } from './commands/profile.ts';
import { report } from './commands/report.ts';
import { scenes } from './commands/scenes.ts';
import { summary } from './commands/summary.ts';
import { trace } from './commands/trace.ts';
import { train } from './commands/train.ts';
import { vis } from './commands/vis.ts';
import type { Command } from './command.ts';

/** Every command, in the order of the help. Adding one is a file in commands/ and a line here. */
export const commands: readonly Command[] = [
  demo,
  train,
  ablate,
  evaluateCommand,
  report,
  predict,
  vis,
  explain,
  evalExplain,
  positions,
  learned,
  trace,
  augment,
  summary,
  inspect,
  convert,
  average,
  fractaldb,
  scenes,
  parity,
  bench,
  profile,
];
