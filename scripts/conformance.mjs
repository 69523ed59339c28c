// TensorFlow.js's own test suite, which @tensorflow/tfjs-core ships, against one of our backends:
//   npm run conformance [-- --backend native|cpu|wasm] [--isa portable,avx2]
// `native` runs once for each instruction set of this processor. The closing line joins the runs: a spec
// that fails in one of them has failed. Exit code 1 if a spec fails or a run does not end, 2 on bad usage.

import { fork } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import Jasmine from 'jasmine';

const root = path.resolve(import.meta.dirname, '..');
const suite = path.join(root, 'build', 'conformance', 'suite.mjs');
const backends = ['native', 'cpu', 'wasm'];
const require = createRequire(import.meta.url);
const minutes = 10; // a run takes seconds

class UsageError extends Error {}

async function main() {
  const { backend, isas } = readArguments();
  await bundle();
  const runs = [];
  for (const isa of isas) {
    const name = isa === undefined ? backend : `${backend}, ${isa}`;
    const started = Date.now();
    const run = await runSuite(backend, isa);
    for (const { fullName, message } of run.failed) console.log(`FAILED ${fullName}\n  ${message}`);
    const seconds = ((Date.now() - started) / 1000).toFixed(1);
    console.log(`${name}: ${run.ended ? line(run.specs) : run.why}, ${seconds} s`);
    runs.push(run);
  }
  const ended = runs.filter((run) => run.ended);
  const sameSpecs = ended.every((run) => run.specs.length === ended[0].specs.length);
  if (!sameSpecs) console.log('The runs differ in their number of specs.');
  if (ended.length > 0) {
    const joined = ended[0].specs.map((status, i) =>
      ended.some((run) => run.specs[i] === 'failed') ? 'failed' : status,
    );
    console.log(line(joined));
  }
  const sound = ended.length === runs.length && sameSpecs;
  process.exitCode = sound && ended.every((run) => run.failed.length === 0) ? 0 : 1;
}

function readArguments() {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        backend: { type: 'string', default: 'native' },
        isa: { type: 'string' },
      },
    }));
  } catch (error) {
    throw new UsageError(error.message, { cause: error });
  }
  const { backend, isa } = values;
  if (!backends.includes(backend))
    throw new UsageError(`Expected --backend ${backends.join(', ')}, received ${backend}.`);
  if (backend !== 'native') {
    if (isa !== undefined) throw new UsageError('Expected --isa with --backend native only.');
    return { backend, isas: [undefined] };
  }
  const available = nativeIsas();
  const wanted = isa === undefined ? available : isa.split(',');
  for (const name of wanted) {
    if (!available.includes(name))
      throw new UsageError(
        `Expected --isa ${available.join(', ')} on this machine, received ${name}.`,
      );
  }
  return { backend, isas: wanted };
}

function nativeIsas() {
  const addon = path.join(root, 'build', 'tfjs_vit_native.node');
  if (!existsSync(addon))
    throw new UsageError('The native backend is not built. Run npm run build:native.');
  return require(addon).isas();
}

/** One file with tfjs, our backends and the suite, so that all share one engine. */
async function bundle() {
  mkdirSync(path.dirname(suite), { recursive: true });
  await build({
    entryPoints: [path.join(root, 'scripts', 'conformanceSuite.mjs')],
    outfile: suite,
    bundle: true,
    platform: 'node',
    format: 'esm',
    mainFields: ['module', 'main'],
    ignoreAnnotations: true, // the package marks its tests as free of side effects
    external: ['jasmine-core'],
    logLevel: 'error',
    logOverride: { 'direct-eval': 'silent' },
    banner: {
      js: [
        "import { createRequire as requireOf } from 'node:module';",
        "import { dirname as folderOf } from 'node:path';",
        "import { fileURLToPath as pathOf } from 'node:url';",
        'const require = requireOf(import.meta.url), __filename = pathOf(import.meta.url), __dirname = folderOf(__filename);',
      ].join('\n'),
    },
  });
}

/** The suite in a process of its own, whose words on stdout are the specs' and not shown. */
function runSuite(backend, isa) {
  const env = { ...process.env, CONFORMANCE_BACKEND: backend };
  delete env.TFJS_VIT_ISA;
  if (isa !== undefined) env.TFJS_VIT_ISA = isa;
  return new Promise((resolve) => {
    const child = fork(fileURLToPath(import.meta.url), [], {
      env: { ...env, CONFORMANCE_CHILD: '1' },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      timeout: minutes * 60_000,
      killSignal: 'SIGKILL',
    });
    let result;
    let errors = '';
    child.stderr.on('data', (chunk) => (errors = (errors + chunk).slice(-4000)));
    child.on('message', (message) => (result = message));
    child.on('close', (code, signal) => {
      const why = `did not end (${signal ?? `exit code ${code}`})\n${errors}`;
      resolve(
        result === undefined ? { ended: false, why, failed: [] } : { ended: true, ...result },
      );
    });
  });
}

async function runHere() {
  const jasmine = new Jasmine();
  jasmine.jasmine.DEFAULT_TIMEOUT_INTERVAL = 60_000; // a busy machine is no failure
  jasmine.loadConfig({ spec_dir: '/', random: false }); // a few specs depend on the order
  jasmine.exitOnCompletion = false;
  jasmine.clearReporters();
  const specs = [];
  const failed = [];
  jasmine.addReporter({
    specDone({ status, fullName, failedExpectations }) {
      specs.push(status);
      if (status !== 'failed') return;
      const message = (failedExpectations[0]?.message ?? '').replace(/\s+/g, ' ').slice(0, 300);
      failed.push({ fullName, message });
    },
  });
  await import(pathToFileURL(suite).href);
  const { overallStatus, incompleteReason } = await jasmine.execute();
  if (overallStatus === 'incomplete') throw new Error(incompleteReason);
  // A failure outside any spec, such as in beforeAll.
  if (overallStatus !== 'passed' && failed.length === 0)
    failed.push({ fullName: 'outside the specs', message: overallStatus });
  process.send({ specs, failed }, () => process.exit(0));
}

function line(specs) {
  const count = (...statuses) => specs.filter((status) => statuses.includes(status)).length;
  return `${specs.length} specs, ${count('failed')} failures, ${count('pending', 'excluded')} pending specs`;
}

try {
  await (process.env.CONFORMANCE_CHILD === '1' ? runHere() : main());
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
