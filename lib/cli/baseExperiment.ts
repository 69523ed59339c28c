// The experiment that a command line begins with: a folder's preset, a config file, or a recipe of the library.

import { InputError } from '../core/errors.ts';
import { booleanFlag, modelFlag, textFlag } from './flags.ts';
import { readConfig, readRecipe } from './readConfig.ts';
import { fromCheckpoint } from './recipeModel.ts';
import { recipeNamed } from './recipes.ts';
import type { Arguments, Terminal } from './command.ts';

/**
 * The experiment that the words name, before flags change it.
 *
 * @param stored  how an error calls the command's flag for a stored run
 * @throws InputError if they name none, and for a folder or a config file that cannot be used
 */
export async function baseExperiment(
  args: Arguments,
  terminal: Terminal,
  { command = 'train', stored = '--resume DIR' } = {},
): Promise<object> {
  const ways = `a folder of images, --config FILE, --recipe NAME, --data-set NAME or ${stored}`;
  const choose = () => experimentOf(args, command, ways);
  if (args.positional.length === 0) return choose();
  const { experimentOnFolder } = await import('./folderArgument.ts');
  const chosen = ['config', 'recipe'].some((name) => args.flags[name] !== undefined);
  return experimentOnFolder(args, chosen ? choose : undefined, terminal);
}

/** The experiment that the flags name: that of a config file, else a recipe of the library. @param ways  that an error lists */
export async function experimentOf(
  args: Arguments,
  command: string,
  ways = '--config FILE, --recipe NAME or --data-set NAME',
): Promise<object> {
  const [config, recipe] = [textFlag(args, 'config'), textFlag(args, 'recipe')];
  if (config !== undefined) {
    return recipe === undefined ? readConfig(config) : readRecipe(config, recipe);
  }
  const named = textFlag(args, 'data-set') ?? textFlag(args, 'data-path');
  if (recipe === undefined && named === undefined) {
    throw new InputError(
      `Expected ${ways} for ${command}, received none. See tfjs-vit ${command} --help.`,
    );
  }
  const chosen = recipeNamed(recipe ?? 'deit');
  const begins = args.flags['finetune'] !== undefined || booleanFlag(args, 'pretrained');
  const isStarted = begins && modelFlag(args) === undefined;
  return isStarted ? fromCheckpoint(chosen) : chosen;
}
