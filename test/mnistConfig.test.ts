// The experiments of mnist/ can be run.

import { readFileSync } from 'node:fs';
import { config, recipes } from '../mnist/config.ts';
import { defaultsOf } from '../lib/core/option.ts';
import { trainOptions } from '../lib/training/options/train.ts';
import { parseStoredData } from '../lib/cli/dataset.ts';
import { parseExperiment } from '../lib/cli/experiment.ts';
import { vit } from './support/cli.ts';

test.each(Object.entries({ mnist: config, ...recipes }))(
  '%s can be run, and its folder has its name',
  (name, experiment) => {
    expect(parseExperiment(experiment).name).toBe(name);
  },
);

test('train:mnist finds its recipes by name', async () => {
  const { code, error } = await vit(
    'train',
    '--config',
    'mnist/config.ts',
    '--recipe',
    'mnist-lang',
  );
  expect(code).toBe(2);
  expect(error).toContain('one of mnist-long, mnist-subsets for --recipe');
  expect(error).toContain('Did you mean mnist-long?');
});

test('the shipped model has the configuration of the recipe that made it', () => {
  const stored = JSON.parse(readFileSync('checkpoints/mnist-vit/config.json', 'utf8')) as Record<
    string,
    unknown
  >;
  const { name, model, data, train } = parseExperiment(recipes['mnist-long']);
  const old = parseStoredData(stored['data']);
  expect(old).toEqual({ name, data });
  expect({
    // Options are newer than the file.
    ...defaultsOf(trainOptions),
    ...stored,
    data: { name, ...old.data },
  }).toMatchObject({ ...train, model, data: { name, ...data } });
});
