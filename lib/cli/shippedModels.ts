// The models that ship with the package; the first is what commands take where none is given and there is no run.

/**
 * A model that ships with the package.
 *
 * @property folder   where it lies in the package
 * @property title    how a sentence names it
 * @property picture  where a picture of it is written unless a command is told otherwise
 */
export interface ShippedModel {
  folder: string;
  title: string;
  picture: string;
}

/** Every shipped model. */
export const shippedModels = [
  {
    folder: 'checkpoints/mnist-vit',
    title: 'the shipped model of MNIST',
    picture: 'imgs/mnist_attention.png',
  },
  {
    folder: 'checkpoints/mnist-subsets',
    title: 'the shipped model of subsets of MNIST patches',
    picture: 'imgs/mnist_subsets.png',
  },
] as const satisfies readonly ShippedModel[];

/** The model that was trained on random subsets of patches, for exact Shapley values. */
export const subsetsModel: ShippedModel = shippedModels[1];

/** The model that commands take where none is given and there is no run. */
export const defaultModel: ShippedModel = shippedModels[0];
