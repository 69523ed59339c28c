// npm run setup:tensorflow [-- --gpu]: builds the backend `tensorflow` into .backends/tensorflow, outside node_modules.
//
// npm's @tensorflow/tfjs-node downloads a libtensorflow of 2021 when it is installed. Here its own two binding sources are
// compiled against the shared libraries and headers inside a current Python wheel of TensorFlow; Python itself is only needed
// to fetch and unpack the wheel. The steps: wheel → libraries and headers; package → binding sources; g++ → tfjs_binding.node.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const tensorflowVersion = '2.16.2';
const bindingVersion = '4.22.0';
const protobufVersion = '3.21.4';

const help = `npm run setup:tensorflow [-- --gpu] [-- --force]

  --gpu    TensorFlow with CUDA 12 (Linux, x86-64; 4 GB on disk) instead of the CPU build (0.6 GB)
  --force  builds again although it is there`;

const platforms = {
  'linux-x64': 'manylinux_2_17_x86_64',
  'linux-arm64': 'manylinux_2_17_aarch64',
};
// The packages of the extra `and-cuda` of that version. The binding is linked to their libraries, so that the loader finds them.
const cudaPackages = [
  'nvidia-cublas-cu12==12.3.4.1',
  'nvidia-cuda-cupti-cu12==12.3.101',
  'nvidia-cuda-nvcc-cu12==12.3.107',
  'nvidia-cuda-nvrtc-cu12==12.3.107',
  'nvidia-cuda-runtime-cu12==12.3.101',
  'nvidia-cudnn-cu12==8.9.7.29',
  'nvidia-cufft-cu12==11.0.12.1',
  'nvidia-curand-cu12==10.3.4.107',
  'nvidia-cusolver-cu12==11.5.4.101',
  'nvidia-cusparse-cu12==12.2.0.103',
  'nvidia-nccl-cu12==2.19.3',
  'nvidia-nvjitlink-cu12==12.3.101',
];

function main(args) {
  const unknown = args.find((arg) => !['--gpu', '--force', '--help'].includes(arg));
  if (unknown !== undefined) fail(`Unknown argument ${unknown}.\n\n${help}`);
  if (args.includes('--help')) return void console.log(help);
  const gpu = args.includes('--gpu');
  const platform = platforms[`${process.platform}-${process.arch}`];
  if (platform === undefined)
    fail('TensorFlow wheels with a C library exist for Linux on x86-64 and arm64 only.');
  if (gpu && process.arch !== 'x64') fail('The CUDA build of TensorFlow exists for x86-64 only.');

  const folder = path.resolve('.backends', 'tensorflow');
  const record = path.join(folder, 'setup.json');
  const wanted = { tensorflow: tensorflowVersion, binding: bindingVersion, gpu };
  if (!args.includes('--force') && readJson(record) === JSON.stringify(wanted)) {
    return void console.log(`The backend is there: ${folder}`);
  }
  assertSharesTfjs();
  const started = Date.now();
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  fetchWheels(folder, gpu, platform);
  fetchPackages(folder);
  compile(folder, gpu);
  // The record is written last: without it nothing is used.
  fs.writeFileSync(record, JSON.stringify(wanted));
  const seconds = Math.round((Date.now() - started) / 1000);
  console.log(
    `The backend tensorflow is ready after ${seconds} s: ${folder}\nUse it: npm run train:mnist -- --backend tensorflow`,
  );
}

/** Downloads the wheels and unpacks their libraries and headers into `lib/`. */
function fetchWheels(folder, gpu, platform) {
  const wheels = path.join(folder, 'wheels');
  const name = gpu || process.arch === 'arm64' ? 'tensorflow' : 'tensorflow-cpu';
  console.log(`Fetching ${name} ${tensorflowVersion}${gpu ? ' and CUDA' : ''} …`);
  // Any Python 3 can fetch the wheel for CPython 3.11; nothing in it is run by Python.
  const pip = [
    '-m',
    'pip',
    'download',
    '--quiet',
    '--disable-pip-version-check',
    '--no-deps',
    '--dest',
    wheels,
  ];
  const target = [
    '--only-binary=:all:',
    '--implementation',
    'cp',
    '--python-version',
    '3.11',
    '--abi',
    'cp311',
    '--abi',
    'none',
  ];
  const where = [platform, 'manylinux2014_x86_64', 'manylinux1_x86_64', 'any'].flatMap((tag) => [
    '--platform',
    tag,
  ]);
  run(
    'python3',
    [...pip, ...target, ...where, `${name}==${tensorflowVersion}`, ...(gpu ? cudaPackages : [])],
    {
      remedy:
        'Install Python 3 with pip (Debian: apt-get install python3-pip), and check that the package index can be reached.',
    },
  );
  run('python3', ['-c', unpackScript, wheels, path.join(folder, 'lib')], {});
  fs.rmSync(wheels, { recursive: true });
}

// Only the two libraries, the headers, and CUDA's libraries: the Python half of the wheel is left out.
const unpackScript = `
import os, sys, zipfile
wheels, target = sys.argv[1:3]
for wheel in sorted(os.listdir(wheels)):
    with zipfile.ZipFile(os.path.join(wheels, wheel)) as archive:
        for name in archive.namelist():
            library = name in ('tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2')
            if library or name.startswith('tensorflow/include/') or name.startswith('nvidia/'):
                archive.extract(name, target)
`;

/** Fetches the binding's sources and the one package it needs at run time; no install script runs. */
function fetchPackages(folder) {
  console.log(`Fetching @tensorflow/tfjs-node ${bindingVersion} …`);
  fs.writeFileSync(
    path.join(folder, 'package.json'),
    JSON.stringify({ private: true, type: 'commonjs' }),
  );
  const npm = (args) =>
    run('npm', [...args, '--silent', '--ignore-scripts'], { cwd: folder, quiet: true });
  npm([
    'install',
    '--no-audit',
    '--no-fund',
    '--no-package-lock',
    `google-protobuf@${protobufVersion}`,
  ]);
  const archive = npm(['pack', `@tensorflow/tfjs-node@${bindingVersion}`])
    .trim()
    .split('\n')
    .at(-1);
  run('tar', ['-xzf', archive], { cwd: folder });
  fs.renameSync(path.join(folder, 'package'), path.join(folder, 'tfjs-node'));
  fs.rmSync(path.join(folder, archive));
}

function compile(folder, gpu) {
  const compiler = process.env.CXX ?? 'g++';
  console.log(`Compiling the binding with ${compiler} …`);
  const headers = createRequire(import.meta.url).resolve('node-api-headers/package.json');
  const libraries = path.join(folder, 'lib', 'tensorflow');
  const sources = path.join(folder, 'tfjs-node', 'binding');
  const cuda = gpu ? cudaLibraries(path.join(folder, 'lib', 'nvidia')) : [];
  const args = [
    '-shared',
    '-fPIC',
    '-O2',
    '-std=c++17',
    '-w',
    '-DNAPI_VERSION=8',
    '-I',
    path.join(libraries, 'include'),
    '-I',
    path.join(path.dirname(headers), 'include'),
    '-I',
    path.dirname(sources),
    path.join(sources, 'tfjs_backend.cc'),
    path.join(sources, 'tfjs_binding.cc'),
    path.join(libraries, 'libtensorflow_cc.so.2'),
    path.join(libraries, 'libtensorflow_framework.so.2'),
    // The libraries are linked although no symbol of theirs is used: TensorFlow opens CUDA by name, and finds what is already loaded.
    '-Wl,--no-as-needed',
    ...cuda,
    // The old form of a run path, which also serves the libraries that these libraries need.
    '-Wl,--disable-new-dtags',
    ...runPaths(folder, [...cuda, path.join(libraries, 'x')]),
    '-o',
    path.join(folder, 'tfjs_binding.node'),
  ];
  run(compiler, args, {
    remedy: 'Install a C++17 compiler (Debian: apt-get install g++), or name one in CXX.',
  });
  fs.rmSync(path.join(libraries, 'include'), { recursive: true });
}

function cudaLibraries(nvidia) {
  const parts = 'cublas|cuda_cupti|cuda_runtime|cudnn|cufft|curand|cusolver|cusparse|nccl';
  const wanted = new RegExp(`^(${parts})/lib/lib(?!nvblas|cufftw|cusolverMg)\\w+\\.so\\.\\d+$`);
  return fs
    .readdirSync(nvidia, { recursive: true, encoding: 'utf8' })
    .filter((name) => wanted.test(name))
    .map((name) => path.join(nvidia, name));
}

function runPaths(folder, libraries) {
  const folders = new Set(libraries.map((library) => path.relative(folder, path.dirname(library))));
  return [...folders].map((relative) => `-Wl,-rpath,$ORIGIN/${relative}`);
}

function assertSharesTfjs() {
  try {
    createRequire(path.resolve('package.json')).resolve('@tensorflow/tfjs');
  } catch {
    fail(
      '@tensorflow/tfjs is not installed here. Run npm ci first: the backend shares the tfjs of this folder.',
    );
  }
}

function readJson(file) {
  try {
    return JSON.stringify(JSON.parse(fs.readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}

/** Runs a program, and ends with one clear line if it fails. */
function run(program, args, { cwd, remedy = '', quiet = false }) {
  try {
    return (
      execFileSync(program, args, {
        cwd,
        encoding: 'utf8',
        stdio: ['ignore', quiet ? 'pipe' : 'inherit', 'inherit'],
      }) ?? ''
    );
  } catch (error) {
    const why = error.code === 'ENOENT' ? 'is not installed' : `failed (exit code ${error.status})`;
    return fail(`${program} ${why}. ${remedy}`);
  }
}

function fail(message) {
  console.error(message);
  process.exit(2);
}

main(process.argv.slice(2));
