// The folder that `train` takes as a word: `tfjs-vit train ./photos`.

import { InputError, expected } from '../core/errors.ts';
import { modelFlag, numberFlag, pretrainedName, textFlag } from './flags.ts';
import { folderData, folderExperiment } from './folderExperiment.ts';
import type { Arguments, Terminal } from './command.ts';

/**
 * The experiment on the folder that the command line names: a preset by the number of its images, or the experiment of --config and
 * --recipe on its images.
 *
 * @param chosen  reads that of --config or --recipe; undefined where neither is given
 * @throws InputError for a folder that cannot be used, and for flags that name other data
 */
export async function experimentOnFolder(
  args: Arguments,
  chosen: (() => Promise<object>) | undefined,
  { error }: Terminal,
): Promise<object> {
  const folder = args.positional[0]!;
  for (const name of ['resume', 'data-path', 'data-set']) {
    const value = textFlag(args, name);
    if (value === undefined) continue;
    const remedy = 'Leave one of the two out.';
    throw new InputError(expected(`no --${name}`, `train ${folder}`, value, remedy));
  }
  const data = await folderData(folder);
  if (chosen !== undefined) {
    const experiment = (await chosen()) as { data?: object };
    return { ...experiment, data: { ...experiment.data, ...data } };
  }
  const { pretrained } = args.flags as { pretrained?: boolean };
  const model = textFlag(args, 'model');
  const options = {
    epochs: numberFlag(args, 'epochs'),
    valSplit: numberFlag(args, 'val-split'),
    finetune:
      pretrained === true && model !== undefined
        ? pretrainedName(model)
        : textFlag(args, 'finetune'),
    model: modelFlag(args),
    pretrained,
  };
  return folderExperiment(data, options, error);
}
