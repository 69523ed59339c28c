// The addon in Node under AddressSanitizer and UndefinedBehaviorSanitizer: each of its functions, with valid, wrong and overlapping
// arguments, and kernels on random shapes, for every instruction set:
//   npm run test:sanitizers [-- --rounds 60] [--seed 1]
// Arrays have just the length that a kernel may touch, so a step past an end is reported. Exit code 1 on a report, or where a
// function was not called. The objects are those of `npm run test:kernels -- --sanitize address,undefined`.

import { execFileSync, spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  adamWDescriptor,
  attentionDescriptor,
  gemmDescriptor,
} from '../lib/backends/native/generated/descriptors.ts';
import { Rng } from '../lib/core/rng.ts';
import { attacksOn, overlapping } from '../test/support/addonAttacks.ts';
import { addonCalls } from '../test/support/addonCalls.ts';
import { addonJobs, compileAll, compilerFor, headers, linkOrder, run } from './buildNative.mjs';
import { hasAvx512, sanitizers, watchedFlags } from './sanitizers.mjs';

const root = path.resolve(import.meta.dirname, '..');
const require = createRequire(import.meta.url);

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '60' },
    seed: { type: 'string', default: '1' },
    addon: { type: 'string' },
  },
});
const rounds = Number(values.rounds);
const seed = Number(values.seed);
if (!Number.isInteger(rounds) || rounds < 1 || !Number.isInteger(seed)) {
  console.error(
    `Expected whole numbers for --rounds and --seed, received ${values.rounds} and ${values.seed}.`,
  );
  process.exitCode = 2;
} else if (values.addon !== undefined) {
  const binding = require(values.addon);
  process.exitCode = callAll(binding);
  fuzz(binding);
} else process.exitCode = await runSanitized();

async function runSanitized() {
  const arch = process.arch;
  const compiler = compilerFor(arch);
  const watched = sanitizers['address,undefined'];
  const folder = path.join(root, 'build', 'kernel-tests', 'address-undefined');
  const objects = path.join(folder, 'native-objects');
  const include = ['-I', headers()];
  const extra = watchedFlags(watched);
  const jobs = addonJobs({ objects, compiler, arch, include, extra, avx512: hasAvx512() });
  await compileAll(jobs, { compiler, what: 'the sanitizers' });
  const addon = path.join(folder, 'tfjs_vit_native.node');
  await run(compiler, ['-shared', ...watched.flags, '-pthread', ...linkOrder(jobs), '-o', addon]);
  const runtime = ['libasan.so', 'libubsan.so'].map((name) =>
    execFileSync(compiler, [`-print-file-name=${name}`], { encoding: 'utf8' }).trim(),
  );
  const own = [fileURLToPath(import.meta.url), `--addon=${addon}`];
  const { status } = spawnSync(
    process.execPath,
    [...process.execArgv, ...own, `--rounds=${rounds}`, `--seed=${seed}`],
    {
      env: {
        ...process.env,
        LD_PRELOAD: runtime.join(':'),
        // Node itself frees little at its end, and an allocation that is too large is an error here, no report.
        ASAN_OPTIONS: 'detect_leaks=0:abort_on_error=0:allocator_may_return_null=1',
        UBSAN_OPTIONS: 'print_stacktrace=1',
      },
      stdio: 'inherit',
    },
  );
  return status === 0 ? 0 : 1;
}

/** Calls every function that the addon has; 1 where one of them has no valid call, or where that fails. */
function callAll(binding) {
  const names = Object.keys(binding);
  const missing = new Set(names);
  const make = (call) => call.map((argument) => argument.make());
  // Memory for packed weights is that of the plainest instruction set; without it a kernel brings its own.
  const without = (call) =>
    call.map((argument) => (argument.kind === 'bias' ? null : argument.make()));
  const attempt = (name, args) => {
    try {
      binding[name](...args);
      return true;
    } catch {
      return false;
    }
  };
  for (const isa of binding.isas())
    for (const name of names) {
      const call = addonCalls[name];
      if (call === undefined) continue;
      binding.setIsa(isa);
      if (attempt(name, make(call)) || attempt(name, without(call))) missing.delete(name);
      attempt(name, overlapping(call));
      // The check of an argument does not depend on the instruction set.
      if (isa !== 'portable') continue;
      for (const { args } of attacksOn(call, (again) => attempt(name, again)))
        attempt(name, args());
    }
  console.log(`${names.length - missing.size} of ${names.length} functions called`);
  if (missing.size > 0) console.log(`FAILED without a valid call: ${[...missing].join(', ')}`);
  return missing.size === 0 ? 0 : 1;
}

function fuzz(binding) {
  const rng = new Rng(seed);
  const upTo = (limit) => 1 + Math.floor(rng.uniform() * limit);
  const floats = (length) => Float32Array.from({ length }, () => rng.normal());
  binding.setThreads(3);
  for (const isa of binding.isas()) {
    binding.setIsa(isa);
    for (let round = 0; round < rounds; round += 1) {
      attention(binding, upTo, floats);
      rows(binding, round, upTo, floats);
      products(binding, round, upTo, floats);
    }
    console.log(`${isa}: ${rounds} rounds without a report`);
  }
}

function attention(binding, upTo, floats) {
  const [b, h, n, m, d] = [upTo(3), upTo(4), upTo(150), upTo(150), upTo(70)];
  const heads = b * h;
  const [q, k, v] = [floats(heads * n * d), floats(heads * m * d), floats(heads * m * d)];
  const [out, lse, dOut] = [floats(heads * n * d), floats(heads * n), floats(heads * n * d)];
  const shape = (keys) =>
    attentionDescriptor({ batch: b, heads: h, queries: n, keys, dim: d, scale: 0.3 });
  binding.attention(shape(m), q, k, v, out, lse);
  const [dQ, dK, dV] = [floats(q.length), floats(k.length), floats(v.length)];
  binding.attentionGrad(shape(m), q, k, v, dOut, out, lse, dQ, dK, dV);
  const qkv = floats(3 * heads * n * d);
  binding.qkvAttention(shape(n), qkv, out, lse);
  binding.qkvAttentionGrad(shape(n), qkv, dOut, out, lse, floats(qkv.length));
}

function rows(binding, round, upTo, floats) {
  const [r, c] = [upTo(300), upTo(300)];
  const x = floats(r * c);
  const of = () => floats(r * c);
  const [mean, rstd, gamma] = [floats(r), floats(r), floats(c)];
  binding.layerNorm(r, c, x, gamma, floats(c), 1e-6, of(), mean, rstd);
  binding.layerNormGrad(r, c, of(), x, gamma, mean, rstd, of(), floats(c), floats(c));
  binding.crossEntropy(round % 2 === 0, r, c, x, of(), floats(r), of());
  binding.softmax(r, c, x, round % 2 === 0, of());
  binding.gelu(round % 3, x, of());
  binding.geluGrad(round % 3, of(), x, of());
  const step = { beta1: 0.9, beta2: 0.99, epsilon: 1e-8, inverseRootCorrection2: 1 };
  const lists = [x, of(), of(), x, of(), of(), of()].map((list) => [list]);
  binding.adamw(adamWDescriptor(step), [1], [0.1], ...lists);
  binding.ema([x], [of()], [of()], 0.9);
  binding.sumOfSquares([x]);
  for (let op = 0; op < 4; op += 1) {
    binding.reduce(op, r, c, 1, x, floats(r));
    binding.reduce(op, 1, r, c, x, floats(c));
  }
  for (let op = 0; op < 14; op += 1) binding.unary(op, x, of(), 0.1);
  for (let op = 0; op < 7; op += 1) binding.binary(op, [r, c, c, 1, 0, 1], x, gamma, of());
  for (let op = 0; op < 6; op += 1)
    binding.compare(op, [r, c, c, 1, 0, 1], x, gamma, new Uint8Array(r * c));
  binding.clip(x, -1, 1, of());
  binding.select(new Uint8Array(r * c), x, of(), of());
  binding.copy([c, r, 1, c, r, 1], x, 0, of(), 0);
  binding.fill(2, of());
}

function products(binding, round, upTo, floats) {
  const [m, n, k] = [upTo(300), upTo(300), upTo(600)];
  const bias = round % 5 ? floats(n) : null;
  const [ta, tb] = [round % 2 === 0, round % 3 === 0];
  const activation = (round % 4) - 1;
  const flags = { transposeA: ta, transposeB: tb };
  const one = { batch: 1, m, n, k, aBatched: false, bBatched: false, ...flags };
  const options = { activation, precision: round % 2 };
  const [a, b, c] = [floats(m * k), floats(k * n), floats(m * n)];
  binding.gemm(gemmDescriptor({ ...one, ...options }), a, b, c, bias);
  const many = { batch: 9, m, n, k: 7, aBatched: true, bBatched: false, ...flags };
  const plain = { activation: -1, precision: (round >> 1) % 2 };
  const stack = [floats(9 * m * 7), floats(7 * n), floats(9 * m * n)];
  binding.gemm(gemmDescriptor({ ...many, ...plain }), ...stack, null);
}
