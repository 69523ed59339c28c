// npm run setup:peers -- NAME …: installs what `npm run bench -- --peers NAME` needs into a folder of the user's cache (folder.ts).
//
// pytorch      a venv with PyTorch and timm (5.5 GB: the wheel of the package index brings CUDA)
// onnxruntime  onnxruntime and the packages that export a model to it, in the same venv
// scanners     picklescan, fickling and modelscan in a venv of their own
// onednn       the small program onednn_gemm.cc, linked to the system's oneDNN (Debian: libdnnl-dev)
// jax-js       its npm package
// tfjs-node    is the backend of npm run setup:tensorflow; wasm and cpu need nothing

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

const requirements = {
  pytorch: [
    'torch==2.15.0',
    'torchvision==0.29.2',
    'timm==1.0.31',
    'safetensors==0.8.0',
    'numpy==2.4.6',
  ],
  onnxruntime: ['onnxruntime==1.31.1', 'onnx==1.23.2', 'onnxscript==0.7.2', 'onnx-ir==1.1.0'],
  // fickling imports typing_extensions without asking for it.
  scanners: [
    'picklescan==1.0.5',
    'fickling==0.1.12',
    'modelscan==0.8.8',
    'numpy==2.4.6',
    'typing_extensions==4.16.0',
  ],
};
const packages = { 'jax-js': ['@jax-js/jax@0.1.25'] };
const help = `npm run setup:peers -- NAME …

  pytorch      PyTorch and timm in a venv (5.5 GB)
  onnxruntime  onnxruntime in the same venv, with the exporter
  scanners     picklescan, fickling and modelscan in a venv
  onednn       a small C++ program on the system's oneDNN
  jax-js       jax-js from npm

  They go to ${root()}; TFJS_VIT_PEERS names another folder.`;

function main(names) {
  if (names.includes('--help')) return void console.log(help);
  const setups = { pytorch, onnxruntime, scanners, onednn, 'jax-js': jaxJs };
  const unknown = names.find((name) => !Object.hasOwn(setups, name));
  if (unknown !== undefined || names.length === 0) {
    fail(
      `Expected ${Object.keys(setups).join(', ')}, received ${unknown ?? 'nothing'}.\n\n${help}`,
    );
  }
  for (const name of names) {
    const folder = path.join(root(), name);
    fs.mkdirSync(folder, { recursive: true });
    const versions = setups[name](folder);
    // Written last: without it the peer is not used.
    fs.writeFileSync(path.join(folder, 'setup.json'), `${JSON.stringify(versions)}\n`);
    console.log(`${name} is ready: ${folder}`);
  }
}

function pytorch(folder) {
  install(folder, requirements.pytorch);
  return requirements.pytorch;
}

function onnxruntime() {
  const folder = path.join(root(), 'pytorch');
  if (!fs.existsSync(path.join(folder, 'setup.json'))) main(['pytorch']);
  install(folder, requirements.onnxruntime);
  return requirements.onnxruntime;
}

function scanners(folder) {
  install(folder, requirements.scanners);
  return requirements.scanners;
}

function onednn(folder) {
  const compiler = process.env.CXX || 'c++';
  const source = path.join(import.meta.dirname, 'onednn_gemm.cc');
  run(compiler, ['-O2', '-std=c++17', source, '-ldnnl', '-o', path.join(folder, 'gemm')], {
    remedy: 'Install a C++17 compiler and oneDNN (Debian: apt-get install g++ libdnnl-dev).',
  });
  return [compiler];
}

function jaxJs(folder) {
  // A package.json of its own keeps npm from climbing to another project.
  fs.writeFileSync(path.join(folder, 'package.json'), '{"private":true}\n');
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--save-exact'];
  const remedy = 'Check that the package registry can be reached.';
  run('npm', ['install', '--prefix', folder, ...flags, ...packages['jax-js']], { remedy });
  return packages['jax-js'];
}

/** The venv of a folder, made if it is not there, with packages of exactly these versions. */
function install(folder, packages) {
  const venv = path.join(folder, 'venv');
  const python = path.join(venv, 'bin', 'python');
  const remedy = 'Install Python 3.10 or newer with venv (Debian: apt-get install python3-venv).';
  if (!fs.existsSync(python)) run('python3', ['-m', 'venv', venv], { remedy });
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check'];
  run(python, [...pip, ...packages], { remedy: 'Check that the package index can be reached.' });
}

function root() {
  const cache = process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache');
  return process.env.TFJS_VIT_PEERS || path.join(cache, 'tfjs-vit', 'peers');
}

function run(program, args, { remedy }) {
  try {
    execFileSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  } catch (error) {
    const why = error.code === 'ENOENT' ? 'is not installed' : `failed (exit code ${error.status})`;
    fail(`${program} ${why}. ${remedy}`);
  }
}

function fail(message) {
  console.error(message);
  process.exit(2);
}

main(process.argv.slice(2));
