import { existsSync, statSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { InputError, IoError, VitError, expected, messageOf, show } from '../core/errors.ts';

/**
 * What a config file holds: the object of a .json file, or the default export (else the export `config`) of a module.
 *
 * A .ts file needs Node 22.18 or later, or tsx.
 *
 * @throws IoError if there is no such file; InputError if it cannot be loaded or exports no object
 */
export async function readConfig(file: string): Promise<Record<string, unknown>> {
  if (!existsSync(file) || !statSync(file).isFile()) {
    throw new IoError(`Expected a config file at ${show(file)}, found none.`);
  }
  const value = /\.json$/i.test(file) ? await readJsonConfig(file) : await importConfig(file);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InputError(expected('an object (default export, or export config)', file, value));
  }
  return value as Record<string, unknown>;
}

async function readJsonConfig(file: string): Promise<unknown> {
  const { parseConfigJson } = await import('../checkpoints/configFile.ts');
  const { readBytes } = await import('../io/disk.ts');
  const bytes = await readBytes(file, { maxBytes: 2 ** 20 });
  return parseConfigJson(new TextDecoder().decode(bytes), file);
}

async function importConfig(file: string): Promise<unknown> {
  if (!/\.[cm]?[jt]s$/i.test(file)) {
    throw new InputError(expected('a .ts, .js, .mjs or .json file', '--config', file));
  }
  let exported: { default?: unknown; config?: unknown };
  try {
    exported = (await import(pathToFileURL(path.resolve(file)).href)) as typeof exported;
  } catch (error) {
    if (error instanceof VitError) throw error;
    if ((error as NodeJS.ErrnoException).code === 'ERR_UNKNOWN_FILE_EXTENSION') {
      throw new InputError(
        `Expected a config that Node ${process.versions.node} can load, received ${show(file)}. ` +
          'TypeScript needs Node 22.18 or later, or tsx: node --import tsx node_modules/.bin/tfjs-vit …; or give a .json file.',
      );
    }
    throw new InputError(expected('a module that loads', file, messageOf(error).split('\n')[0]));
  }
  const value = exported.default ?? exported.config;
  // A module that a transpiler made CommonJS has its own exports one level down.
  const inner = (value as { default?: unknown } | undefined)?.default;
  return inner ?? value;
}
