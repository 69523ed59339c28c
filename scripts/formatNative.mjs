// Formats native/ with clang-format in the style of .clang-format; `--check` changes nothing and fails where a file would change,
// or where a line is longer than its ColumnLimit, which clang-format does not break in every case.
// The program is that of the npm package clang-format-node, pinned, since each version of clang-format lays out some lines its own way.

import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(import.meta.dirname, '..');

/** The largest number of columns of a line of native/, from .clang-format. */
export function columnLimit() {
  const style = readFileSync(path.join(root, '.clang-format'), 'utf8');
  return Number(/^ColumnLimit: (\d+)$/m.exec(style)[1]);
}

/** The lines of a text that take more than `limit` columns, as `line:columns`; a combining mark takes none. */
export function longLines(text, limit) {
  return text.split('\n').flatMap((line, index) => {
    const columns = [...line.replace(/\p{Mark}/gu, '')].length;
    return columns > limit ? [`${index + 1}:${columns}`] : [];
  });
}

function nativeFiles() {
  const folder = path.join(root, 'native');
  return readdirSync(folder, { recursive: true })
    .filter((name) => /\.(cc|h)$/.test(name))
    .sort()
    .map((name) => path.join('native', name));
}

function clangFormat() {
  const require = createRequire(import.meta.url);
  try {
    return require('clang-format-node').getClangFormatPath(process.platform, process.arch);
  } catch (error) {
    const what = error instanceof Error ? error.message.split('\n')[0] : String(error);
    console.error(
      `Expected clang-format of the npm package clang-format-node, received: ${what}. Run npm ci.`,
    );
    process.exit(2);
  }
}

function main() {
  const check = process.argv.includes('--check');
  const files = nativeFiles();
  const mode = check ? ['--dry-run', '--Werror'] : ['-i'];
  const { status } = spawnSync(clangFormat(), [...mode, ...files], { cwd: root, stdio: 'inherit' });
  const limit = columnLimit();
  const long = files.flatMap((file) =>
    longLines(readFileSync(path.join(root, file), 'utf8'), limit).map((at) => `${file}:${at}`),
  );
  for (const at of long) console.error(`${at} columns, at most ${limit}`);
  if (status !== 0 && check) console.error('Run npm run format.');
  process.exitCode = status === 0 && long.length === 0 ? 0 : 1;
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) main();
