// The command line of `npm run bench`.

import { peerNames, type PeerName } from './contenders.ts';
import { listOf, readFlags, secondsOf, threadsOf, wholeOf } from './flags.ts';
import { precisions, type Precision } from '../lib/node.ts';
import { workNames, type WorkName } from './works.ts';

/**
 * The options of a run.
 *
 * @property peers    the contenders that native is compared with
 * @property batches  empty: each size's own
 * @property seconds  a round repeats the work for at least so long; undefined: as long as suits the work
 * @property only     op tables: rows whose name has this in it
 * @property json     the file of the result lines
 * @property chart    the file of the bar chart
 * @property python   the interpreter of the Python peers; undefined: that of setup:peers
 */
export interface BenchOptions {
  works: WorkName[];
  batches: number[];
  precisions: Precision[];
  peers: PeerName[];
  rounds: number;
  threads: number;
  seconds: number | undefined;
  only: string;
  json: string | undefined;
  chart: string | undefined;
  python: string | undefined;
  limits: boolean;
}

export const benchHelp = `npm run bench -- [options]

  --work A,B,…       ${workNames.join(', ')}
                     default train-small,infer-small,ops, the models with a batch of 32
  --peers A,B,…      ${peerNames.join(', ')}; default wasm.
                     Also --backend, as in tfjs-vit bench, which measures each backend by itself
  --batch N,M,…      images in a batch, also --batch-size; default small 256, tiny 32, base 8
  --precision A,B    fp32, bf16: of the products; default fp32. Who cannot is left out, and said so
  --rounds N         rounds in which the contenders take turns; default 5
  --threads N        of each contender; default all cores
  --seconds X        a round repeats its work for at least so long; default 0.3, op rows 0.05
  --only TEXT        of the op tables, the rows whose name has TEXT in it
  --json FILE        one JSON object a line for each contender and work
  --chart FILE       a bar chart as PNG; default the name of --json with .png
  --python PATH      interpreter of pytorch and onnxruntime; default TFJS_VIT_PYTHON, else that of npm run setup:peers
  --no-limits        does not measure what the machine itself can do`;

/**
 * Reads the command line.
 *
 * @returns undefined if help is asked for
 * @throws InputError naming the flag
 */
export function parseOptions(words: readonly string[]): BenchOptions | undefined {
  const values = parseFlags(words);
  if (values.help === true) return undefined;
  const works = values.work === undefined ? undefined : listOf('work', values.work, workNames);
  const batches = ((values.batch ?? values['batch-size'])?.split(',') ?? []).map((text) =>
    wholeOf('batch', text, 65_536),
  );
  const python = values.python ?? process.env['TFJS_VIT_PYTHON'];
  const json = values.json;
  return {
    works: works ?? ['train-small', 'infer-small', 'ops'],
    // wasm holds at most 4 GB, and a training step with 256 images needs more.
    batches: works === undefined && batches.length === 0 ? [32] : batches,
    precisions: listOf('precision', values.precision ?? 'fp32', precisions),
    peers: peersOf(values),
    rounds: wholeOf('rounds', values.rounds ?? '5', 10_000),
    threads: threadsOf(values.threads),
    seconds: values.seconds === undefined ? undefined : secondsOf(values.seconds),
    only: values.only ?? '',
    json,
    chart: values.chart ?? json?.replace(/(\.jsonl?)?$/, '.png'),
    python: python === '' ? undefined : python,
    limits: values.limits !== false,
  };
}

// `tfjs-vit bench` calls them backends; native, which always takes part here, may be among those.
function peersOf(values: ReturnType<typeof parseFlags>): PeerName[] {
  const backends = values.backends ?? values.backend;
  if (values.peers !== undefined || backends === undefined) {
    return listOf('peers', values.peers ?? 'wasm', peerNames);
  }
  const named = backends.split(',').map((name) => (name === 'tensorflow' ? 'tfjs-node' : name));
  const others = named.filter((name) => name !== 'native');
  return others.length === 0 ? [] : listOf('backend', others.join(','), peerNames);
}

function parseFlags(words: readonly string[]) {
  const text = { type: 'string' } as const;
  return readFlags('bench', words, {
    work: text,
    peers: text,
    backend: text,
    backends: text,
    batch: text,
    'batch-size': text,
    precision: text,
    rounds: text,
    threads: text,
    seconds: text,
    only: text,
    json: text,
    chart: text,
    python: text,
    limits: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  });
}
