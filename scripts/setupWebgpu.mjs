// npm run setup:webgpu: installs Dawn, the WebGPU of Chromium, into .backends/webgpu. The package is 130 MB because it carries
// the builds of every platform; all but this machine's are removed again.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const version = '0.6.2';

function main(args) {
  const unknown = args.find((arg) => !['--force', '--help'].includes(arg));
  if (unknown !== undefined)
    fail(
      `Unknown argument ${unknown}. Known: --force (installs again although it is there), --help.`,
    );
  if (args.includes('--help')) return void console.log('npm run setup:webgpu [-- --force]');
  const folder = path.resolve('.backends', 'webgpu');
  const record = path.join(folder, 'setup.json');
  const wanted = JSON.stringify({ webgpu: version });
  if (
    !args.includes('--force') &&
    fs.existsSync(record) &&
    fs.readFileSync(record, 'utf8') === wanted
  ) {
    return void console.log(`The backend is there: ${folder}`);
  }
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'package.json'), JSON.stringify({ private: true }));
  try {
    const options = [
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--no-package-lock',
      '--silent',
    ];
    execFileSync('npm', ['install', `webgpu@${version}`, ...options], {
      cwd: folder,
      stdio: 'inherit',
    });
  } catch {
    fail(
      `npm could not install webgpu ${version}. Check that the package registry can be reached.`,
    );
  }
  keepOwnBuild(path.join(folder, 'node_modules', 'webgpu', 'dist'));
  loadOnce(folder);
  fs.writeFileSync(record, wanted);
  console.log(
    `The backend webgpu is ready: ${folder}\nUse it: npm run train:mnist -- --backend webgpu`,
  );
}

function keepOwnBuild(dist) {
  const own = `${process.platform}-${process.platform === 'darwin' ? 'universal' : process.arch}`;
  if (!fs.existsSync(path.join(dist, own))) fail(`The package webgpu has no build for ${own}.`);
  for (const name of fs.readdirSync(dist)) {
    if (name !== own) fs.rmSync(path.join(dist, name), { recursive: true });
  }
}

function loadOnce(folder) {
  const entry = createRequire(path.join(folder, 'package.json')).resolve('webgpu');
  try {
    execFileSync(
      process.execPath,
      ['--input-type=module', '-e', `await import(${JSON.stringify(entry)})`],
      { stdio: 'pipe' },
    );
  } catch (error) {
    fail(
      `Dawn does not load on this machine:\n${
        String(error.stderr)
          .trim()
          .split('\n')
          .find((line) => /rror/.test(line)) ?? error.message
      }`,
    );
  }
}

function fail(message) {
  console.error(message);
  process.exit(2);
}

main(process.argv.slice(2));
