// The texts in a file of ONNX beside its graph.

import type { Preparation } from './preparation.ts';

/**
 * The texts that a file of ONNX has for a model, each JSON: `config`, and where they are known `mean` and `std` of the channels, the whole
 * `preprocessing` and `class_names`.
 */
export function onnxMetadata(
  config: object,
  { preprocessing, classNames }: Partial<Pick<Preparation, 'preprocessing' | 'classNames'>>,
): Record<string, string> {
  const { mean, std } = preprocessing?.normalize ?? {};
  const all = { config, mean, std, preprocessing, class_names: classNames };
  return Object.fromEntries(
    Object.entries(all)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, JSON.stringify(value)]),
  );
}
