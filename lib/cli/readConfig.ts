// Reads the config file of an experiment: a module or JSON.

import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { isRecord } from '../core/check.ts';
import { InputError, IoError, VitError, expected, messageOf, show } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { errorCodeOf } from '../io/ioError.ts';

/**
 * Reads the config of a file: the object of a .json file, or the default export (else the export `config`) of a module.
 *
 * A .ts file needs Node 22.18 or later, or tsx.
 *
 * @throws IoError if there is no such file; InputError if it cannot be loaded or exports no object
 */
export async function readConfig(file: string): Promise<Record<string, unknown>> {
  const exported = await exportsOf(file);
  return assertObject(
    exported['default'] ?? exported['config'],
    'an object (default export, or export config)',
    file,
  );
}

/**
 * The named experiment of a config file: an entry of the module's export `recipes`.
 *
 * @example
 * export const recipes = {'mnist-long': {name: 'mnist-long', …}};
 *
 * @throws InputError listing the recipes that the file has if `name` is none of them; else as `readConfig`
 */
export async function readRecipe(file: string, name: string): Promise<Record<string, unknown>> {
  const { recipes = {} } = await exportsOf(file);
  const known = assertObject(recipes, 'an object of experiments', `recipes of ${file}`);
  if (Object.hasOwn(known, name)) {
    return assertObject(known[name], 'an object', `recipe ${name} of ${file}`);
  }
  const names = Object.keys(known);
  if (names.length === 0) {
    throw new InputError(expected('a module that exports recipes', 'the config of --recipe', file));
  }
  const near = nearest(name, names);
  const remedy = near === undefined ? '' : `Did you mean ${near}?`;
  throw new InputError(expected(`one of ${names.join(', ')}`, '--recipe', name, remedy));
}

function assertObject(value: unknown, what: string, name: string): Record<string, unknown> {
  if (!isRecord(value)) {
    throw new InputError(expected(what, name, value));
  }
  return value;
}

// The exports of a module. The object of a .json file counts as the default export.
async function exportsOf(file: string): Promise<Record<string, unknown>> {
  if (!existsSync(file) || !statSync(file).isFile()) {
    throw new IoError(`Expected a config file at ${show(file)}, found none.`);
  }
  return /\.json$/i.test(file) ? { default: await readJsonConfig(file) } : importConfig(file);
}

async function readJsonConfig(file: string): Promise<unknown> {
  const { maxConfigBytes, parseConfigJson } = await import('../checkpoints/configFile.ts');
  const { readBytes } = await import('../io/disk.ts');
  return parseConfigJson(await readBytes(file, { maxBytes: maxConfigBytes }), file);
}

async function importConfig(file: string): Promise<Record<string, unknown>> {
  if (!/\.[cm]?[jt]s$/i.test(file)) {
    throw new InputError(expected('a .ts, .js, .mjs or .json file', '--config', file));
  }
  await assertSource(file);
  let exported: Record<string, unknown>;
  const sayEnd = (): void => {
    const remedy = 'It ended the process, or waits for something that never comes.';
    process.stderr.write(`${expected('a module that loads', '--config', file, remedy)}\n`);
    process.exitCode = 2;
  };
  process.once('exit', sayEnd);
  try {
    exported = (await import(pathToFileURL(path.resolve(file)).href)) as typeof exported;
  } catch (error) {
    if (error instanceof VitError) throw error;
    if (errorCodeOf(error) === 'ERR_UNKNOWN_FILE_EXTENSION') {
      throw new InputError(
        `Expected a config that Node ${process.versions.node} can load, received ${show(file)}. ` +
          'TypeScript needs Node 22.18 or later, or tsx: node --import tsx node_modules/.bin/tfjs-vit …; or give a .json file.',
      );
    }
    throw new InputError(expected('a module that loads', file, messageOf(error).split('\n')[0]));
  } finally {
    process.off('exit', sayEnd);
  }
  // A module that a transpiler made CommonJS has its own exports one level down.
  const inner = exported['default'];
  const wrapped =
    typeof inner === 'object' && inner !== null && ('__esModule' in inner || 'default' in inner);
  return wrapped ? (inner as Record<string, unknown>) : exported;
}

// Node would take what is not UTF-8 for other letters, and read a file of any length.
async function assertSource(file: string): Promise<void> {
  const { maxConfigBytes } = await import('../checkpoints/configFile.ts');
  const { decodeUtf8 } = await import('../core/utf8.ts');
  const { readBytes } = await import('../io/disk.ts');
  decodeUtf8(await readBytes(file, { maxBytes: maxConfigBytes }), file);
}
