// The path of a checkpoint as PyTorch's programs write it, `DIR/best_checkpoint.pth`, with our file beside it.

import { stat } from 'node:fs/promises';
import { basename } from 'node:path';

// The suffixes that torch.save's files have.
const foreignSuffix = /\.(pth\.tar|pth|pt|ckpt)$/i;

/**
 * The path of a checkpoint that was asked for. One that ends in `.pth` and is not there becomes that of the `.safetensors` file of
 * the same name beside it, if there is one, and `note` is told; any other path stays as it is.
 *
 * Books and scripts write `DIR/best_checkpoint.pth`; a run of ours has `DIR/best_checkpoint.safetensors`.
 *
 * @param note  told, in a sentence, which file is taken
 *
 * @example await checkpointPath('runs/a/best_checkpoint.pth', console.warn);   // 'runs/a/best_checkpoint.safetensors'
 */
export async function checkpointPath(path: string, note: (text: string) => void): Promise<string> {
  if (!foreignSuffix.test(path) || (await isThere(path))) return path;
  const own = path.replace(foreignSuffix, '.safetensors');
  if (!(await isThere(own))) return path;
  note(`There is no ${path}: ${basename(own)} beside it is taken.`);
  return own;
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
