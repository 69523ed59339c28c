// Writes what follows from the tables of options: the interfaces whose fields an editor shows on hover, and docs/options.md.
// `npm run options` writes; with --check it only compares, and fails if a file is not what the tables say.

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { dataOptions } from '../lib/cli/dataOptions.ts';
import { augmentOptions } from '../lib/data/augment/options.ts';
import { valuePhrase } from '../lib/core/option.ts';
import * as transforms from '../lib/data/transformOptions.ts';
import { fractalOptions } from '../lib/fractal/options.ts';
import { detrOptions } from '../lib/models/detr/options.ts';
import { clipJointOptions, clipTextOptions } from '../lib/models/clip/options.ts';
import { resNetOptions } from '../lib/models/resnet/options.ts';
import {
  visionTransformerOptions,
  visionTransformerShorthands,
} from '../lib/models/vit/options.ts';
import { clipOptions } from '../lib/training/options/clip.ts';
import { distillationOptions } from '../lib/training/options/distillation.ts';
import { emaOptions } from '../lib/training/options/ema.ts';
import { optimizerConfigOptions, optimizerOptions } from '../lib/training/options/optimizer.ts';
import { scheduleConfigOptions, scheduleOptions } from '../lib/training/options/schedule.ts';
import { trainOptions } from '../lib/training/options/train.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The interfaces of each file: a name, a sentence, a table. */
const interfaces = {
  'lib/cli/dataOptionTypes.ts': {
    opening: "The options of an experiment's data as a type.",
    imports: "import type { AugmentOptions } from '../data/augment/optionTypes.ts';\nimport type { TransformStep } from '../data/transformRegistry.ts';\n\n",
    types: [['DataConfig', 'The data of an experiment, as plain data.', dataOptions]],
  },
  'lib/data/augment/optionTypes.ts': {
    opening: 'The options of augmentation as a type.',
    types: [['AugmentOptions', 'Augmentation in the words of timm and DeiT, as plain data.', augmentOptions]],
  },
  'lib/data/transformOptionTypes.ts': {
    opening: 'The options of the transforms as types.',
    types: [
      ['RandomAffineOptions', 'The ranges from which the parameters of an affine map are drawn uniformly.', transforms.randomAffineOptions],
      ['RandomElasticOptions', 'How strongly and how finely an image is distorted.', transforms.randomElasticOptions],
      ['FitOptions', 'The size to bring an image to, and how.', transforms.fitOptions],
      ['ResizeOptions', 'The side to resize, and its length.', transforms.resizeOptions],
      ['CenterCropOptions', 'The size of the middle part.', transforms.centerCropOptions],
      ['RandomResizedCropOptions', 'The size of the result, and the ranges of the part.', transforms.randomResizedCropOptions],
      ['RandomCropOptions', 'The size of the part, and the margin before.', transforms.randomCropOptions],
      ['RandomFlipOptions', 'How often an image is mirrored.', transforms.randomFlipOptions],
      ['ColorJitterOptions', 'How far colours may change.', transforms.colorJitterOptions],
      ['AutoAugmentOptions', 'The policy, and how its operations fill and interpolate.', transforms.autoAugmentOptions],
      ['RandomErasingOptions', 'How often, how much and with what an image is erased.', transforms.randomErasingOptions],
      ['MixupOptions', 'How samples of a batch are mixed.', transforms.mixupOptions],
    ],
  },
  'lib/fractal/optionTypes.ts': {
    opening: 'The options of a FractalDB as a type.',
    types: [['FractalOptions', 'Everything that decides the pictures of a FractalDB, as plain data.', fractalOptions]],
  },
  'lib/models/detr/optionTypes.ts': {
    opening: 'The configuration of a DETR as a type.',
    imports:
      "import type { ResNetConfig, ResNetOptions } from '../resnet/config.ts';\n\n",
    types: [
      ['DetrFields', 'Everything that decides a DETR, complete: what is stored beside its weights, but for the key `family`.', detrOptions, 'complete'],
      ['DetrOptions', 'A part of a configuration; the rest has the defaults of the paper.', detrOptions, 'given'],
    ],
  },
  'lib/models/clip/optionTypes.ts': {
    opening: 'The configuration of CLIP but for its image tower, as types.',
    types: [
      ['ClipTextFields', 'Everything that decides the text tower.', clipTextOptions, 'complete'],
      ['ClipTextOptions', "A part of the text tower's configuration.", clipTextOptions, 'given'],
      ['ClipJointFields', 'Everything that joins both towers.', clipJointOptions, 'complete'],
      ['ClipJointOptions', 'A part of what joins both towers.', clipJointOptions, 'given'],
    ],
  },
  'lib/models/resnet/optionTypes.ts': {
    opening: 'The configuration of a ResNet as a type.',
    types: [
      ['ResNetFields', 'Everything that decides a ResNet, complete: what is stored beside its weights, but for the key `family`.', resNetOptions, 'complete'],
      ['ResNetOptions', 'A part of a configuration; the rest has the defaults of torchvision.', resNetOptions, 'given'],
    ],
  },
  'lib/models/vit/optionTypes.ts': {
    opening: 'The configuration of a Vision Transformer as a type.',
    types: [
      ['VisionTransformerConfig', 'Everything that decides a VisionTransformer, complete: what is stored beside its weights. `parseModelConfig` makes one from any of the vocabularies in use.', visionTransformerOptions, 'complete'],
      ['VisionTransformerOptions', 'A part of a configuration, in our names; the rest has the defaults of timm.', { ...visionTransformerOptions, ...visionTransformerShorthands }, 'given'],
    ],
  },
  'lib/training/options/trainTypes.ts': {
    opening: 'The options of a training as a type.',
    imports:
      "import type { ClipConfig, DistillationConfig, EmaConfig, OptimizerConfig, ScheduleOptions } from './types.ts';\nimport type { ResolutionStep } from '../parseProgressive.ts';\n\n",
    types: [
      ['TrainConfig', 'Everything that decides a training run, as plain data: what `config.json` of a run folder holds.', trainOptions],
    ],
  },
  'lib/training/options/types.ts': {
    opening: 'The options of the parts of a training as types.',
    types: [
      ['OptimizerConfig', 'The update rule of the weights, and its numbers.', optimizerConfigOptions],
      ['ScheduleOptions', "The learning rate over time, in a training's config.", scheduleOptions],
      ['ScheduleConfig', 'The learning rate over time, in timm\'s words.', scheduleConfigOptions],
      ['ClipConfig', 'Gradient clipping: a limit on the size of the gradients.', clipOptions],
      ['DistillationConfig', 'A teacher, and how a model learns from it.', distillationOptions],
      ['EmaConfig', 'A moving average of the weights.', emaOptions],
    ],
  },
}; // prettier-ignore

const groups = {
  'Training': ['', trainOptions],
  'Vision Transformer, `model`': ['model', { ...visionTransformerOptions, ...visionTransformerShorthands }],
  'ResNet, `model` with `family` resnet': ['model', resNetOptions],
  'DETR, `model` with `family` detr': ['model', detrOptions],
  'CLIP, `model` with `family` clip, beside `vision`, which has the options of a Vision Transformer': ['model', clipJointOptions],
  'Text tower of CLIP, `model.text`': ['model.text', clipTextOptions],
  'Data, `data`': ['data', dataOptions],
  'Augmentation, `data.augment`': ['data.augment', augmentOptions],
  'Transform `randomAffine`, a step of `data.trainTransforms` or `data.evalTransforms`': ['', transforms.randomAffineOptions],
  'Transform `randomElastic`': ['', transforms.randomElasticOptions],
  'Transform `fit`': ['', transforms.fitOptions],
  'FractalDB, `tfjs-vit fractaldb` and `fractalDataset`': ['', fractalOptions],
  'Optimizer, `optimizer`': ['optimizer', optimizerOptions],
  'Schedule, `schedule`': ['schedule', scheduleOptions],
  'Clipping, `clip`': ['clip', clipOptions],
  'Distillation, `distillation`': ['distillation', distillationOptions],
  'Moving average, `ema`': ['ema', emaOptions],
}; // prettier-ignore

/** The type of an option's value. */
function typeOf(option) {
  const { type, choices, length, written, nullable } = option;
  const elements = length === undefined ? 'readonly number[]' : `readonly [${Array(length).fill('number').join(', ')}]`;
  const types = {
    boolean: 'boolean',
    integer: 'number',
    number: 'number',
    string: choices?.map((word) => `'${word}'`).join(' | ') ?? 'string',
    integers: elements,
    numbers: elements,
  };
  return (written ?? types[type]) + (nullable === true ? ' | null' : '');
} // prettier-ignore

/** `Only with sched step.`, of an option that needs a neighbour's value. */
function condition({ appliesTo = {} }) {
  return Object.entries(appliesTo)
    .map(
      ([name, wanted]) =>
        `Only with \`${name}\` ${'above' in wanted ? `above ${wanted.above}` : wanted.join(' or ')}.`,
    )
    .join(' ');
}

/** `Also `img_size`.`, of an option with names in other libraries. */
function otherNames({ aliases = [] }) {
  return aliases.length === 0 ? '' : `Also ${aliases.map((alias) => `\`${alias}\``).join(', ')}.`;
}

function defaultOf(option) {
  const { default: value } = option;
  return value === undefined || option.type === 'group' && value !== null ? '' : JSON.stringify(value);
} // prettier-ignore

// A complete interface has every field but the sparse ones, and none may be written. One of options given has their other names in camelCase too.
function fieldsOf([name, option], form) {
  const aliases = option.aliases?.filter((alias) => /^[a-z]+([A-Z][a-z]*)+$/.test(alias)) ?? [];
  const own = fieldOf([name, option], form);
  if (form !== 'given') return [own];
  const type = option.given ?? typeOf(option);
  return [own, ...aliases.map((alias) => `/** As \`${name}\`. */\nreadonly ${alias}?: ${type};`)];
}

function fieldOf([name, option], form) {
  const { describe, required, type, flag } = option;
  const shown = defaultOf(option);
  const range = /^(integer|number)/.test(type) ? limitsOf(option) : '';
  const sentences = [
    `${describe}.`,
    range === '' ? '' : `${capital(range)}.`,
    shown === '' ? '' : `Default ${shown}.`,
    condition(option),
    flag === undefined ? '' : `Flag \`--${flag.name}\`.`,
  ].filter(Boolean);
  const always = form === 'complete' && option.sparse !== true;
  const optional = always || required === true ? '' : '?';
  const written = form === 'given' ? (option.given ?? typeOf(option)) : typeOf(option);
  return `${comment([sentences.join(' ')], 92)}\n${form === undefined ? '' : 'readonly '}${name}${optional}: ${written};`;
}

function limitsOf(option) {
  return valuePhrase(option).replace(String(2 ** 31), '2³¹');
}

function comment(lines, width) {
  const wrapped = lines.flatMap((line) => wrap(line, width));
  if (wrapped.length === 1) return `/** ${wrapped[0]} */`;
  return ['/**', ...wrapped.map((line) => ` * ${line}`.trimEnd()), ' */'].join('\n');
}

function wrap(text, width) {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1);
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function capital(text) {
  return text[0].toUpperCase() + text.slice(1);
}

function interfaceText([name, describe, table, form]) {
  const fields = Object.entries(table).flatMap((entry) => fieldsOf(entry, form));
  return `${comment([describe], 96)}\nexport interface ${name} {\n${fields.join('\n')}\n}\n`;
}

function rowOf([name, option], group) {
  const { describe, flag, required, nullable, choices, type } = option;
  const value = type === 'any' ? '' : choices === undefined ? limitsOf(option) : choices.map((word) => word || '(empty)').join(', ');
  const cells = [
    `\`${group === '' ? name : `${group}.${name}`}\``,
    flag === undefined ? '' : `\`--${flag.name}\``,
    value + (nullable === true ? ', or null' : ''),
    required === true ? 'required' : defaultOf(option),
    [`${describe}.`, condition(option), otherNames(option)].filter(Boolean).join(' '),
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
} // prettier-ignore

function optionsPage() {
  const opening =
    '# Options\n\nEvery option of a config, with its flag of `tfjs-vit train` where it has one. `npm run options` writes this page and the ' +
    'types that an editor shows from the same tables, `lib/training/options/`, `lib/models/vit/options.ts`, `lib/models/resnet/options.ts`, `lib/models/detr/options.ts` and `lib/data/transformOptions.ts`; an unknown name, another type and a value out of range ' +
    'are refused. Names of a model may be written as timm, Hugging Face or DeiT write them; case, dashes and underscores do not count.\n';
  const parts = Object.entries(groups).map(([title, [group, table]]) =>
    [
      `## ${title}\n`,
      '| option | flag | value | default | meaning |',
      '|---|---|---|---|---|',
      ...Object.entries(table).map((entry) => rowOf(entry, group)),
      '',
    ].join('\n'),
  );
  return [opening, ...parts].join('\n');
}

/** The generated files, by path from the root. */
export async function optionFiles() {
  const files = new Map();
  for (const [file, { opening, types, imports = '' }] of Object.entries(interfaces)) {
    const note = 'Written by `npm run options` from the tables beside it: change those.';
    const texts = types.map((type) => interfaceText(type));
    files.set(file, `// ${opening} ${note}\n\n${imports}${texts.join('\n')}`);
  }
  files.set('docs/options.md', optionsPage());
  const formatted = [...files].map(async ([file, text]) => {
    const settings = await resolveConfig(path.join(root, file));
    return [
      file,
      file.endsWith('.ts') ? await format(text, { ...settings, filepath: file }) : text,
    ];
  });
  return new Map(await Promise.all(formatted));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const check = process.argv.includes('--check');
  for (const [file, text] of await optionFiles()) {
    const place = path.join(root, file);
    let before = '';
    try {
      before = readFileSync(place, 'utf8');
    } catch {
      // A file that is not there yet differs.
    }
    if (before === text) continue;
    if (check) {
      console.error(`${file} is not what the tables of options say: run npm run options.`);
      process.exitCode = 1;
    } else {
      writeFileSync(place, text);
      console.error(`wrote ${file}`);
    }
  }
}
