// The config.json of a folder from timm's hub: its architecture, and how its images are prepared.

import { isRecord } from '../core/check.ts';
import { CheckpointError, expected } from '../core/errors.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Whether a config.json is one of timm's hub: it names an architecture. */
export function isTimmConfig(config: Fields): boolean {
  return typeof config['architecture'] === 'string' && config['family'] === undefined;
}

/**
 * The model options of a config.json of timm's hub: `name`, and what differs from the name, in timm's words; undefined for another
 * file.
 *
 * Classes, channels and image size are those of `pretrained_cfg`, the image size if it is fixed; `model_args` come before all of it. The
 * older form, in which the fields of `pretrained_cfg` stand beside `architecture`, is read too.
 *
 * @throws CheckpointError naming a field that cannot be used
 *
 * Source: timm/models/_hub.py, `_parse_model_cfg`; timm/models/_builder.py, `_update_default_model_kwargs`.
 */
export function timmModelOptions(config: Fields): Record<string, unknown> | undefined {
  if (!isTimmConfig(config)) return undefined;
  const pretrained = pretrainedOf(config);
  const { input_size: size, fixed_input_size: fixed } = pretrained;
  const { num_classes: classes = pretrained['num_classes'], model_args: args = {} } = config;
  const { global_pool: pool = pretrained['global_pool'] } = config;
  if (!isRecord(args)) throw wrong('an object', 'model_args', args);
  const [channels, height, width] = size == null ? [] : inputSize(size);
  const told = {
    num_classes: classes,
    global_pool: pool,
    in_chans: channels,
    img_size: fixed === true && height !== undefined ? [height, width] : undefined,
    ...args,
  };
  const given = Object.entries(told).filter(([, value]) => value != null);
  return { ...Object.fromEntries(given), name: config['architecture'] };
}

/**
 * The preparation of images that a config.json of timm's hub describes, in its words; a field that it does not have is undefined.
 *
 * @property size           [H, W]
 * @property interpolation  `bicubic`, `bilinear`, …
 * @property cropMode       `center`, `squash` or `border`
 * @property cropPct        share of the resized image's shorter side that the input is
 * @property classNames     the descriptions of its labels, else their names
 */
export interface TimmPreparation {
  mean: unknown;
  std: unknown;
  size: [number, number] | undefined;
  interpolation: unknown;
  cropMode: unknown;
  cropPct: unknown;
  classNames: string[] | undefined;
}

/** How a config.json of timm's hub prepares images, undefined for another file. @throws CheckpointError naming a field that cannot be used */
export function timmPreparation(config: Fields): TimmPreparation | undefined {
  if (!isTimmConfig(config)) return undefined;
  const { mean, std, interpolation, ...rest } = pretrainedOf(config);
  const { crop_mode: cropMode, crop_pct: cropPct } = rest;
  const [, height, width] = rest['input_size'] == null ? [] : inputSize(rest['input_size']);
  const size: [number, number] | undefined = height === undefined ? undefined : [height, width!];
  const classNames = labelsOf({ ...rest, ...config });
  return { mean, std, size, interpolation, cropMode, cropPct, classNames };
}

function pretrainedOf(config: Fields): Fields {
  const { pretrained_cfg: pretrained = config } = config;
  if (!isRecord(pretrained)) throw wrong('an object', 'pretrained_cfg', pretrained);
  return pretrained;
}

function inputSize(value: unknown): [number, number, number] {
  const sound = (size: unknown) => Number.isSafeInteger(size) && (size as number) > 0;
  if (Array.isArray(value) && value.length === 3 && value.every(sound)) {
    return value as [number, number, number];
  }
  throw wrong('[channels, height, width]', 'input_size', value);
}

function labelsOf({ label_names: names, labels = names, label_descriptions: texts }: Fields) {
  if (labels == null || typeof labels !== 'object') return undefined;
  const described = isRecord(texts) ? texts : {};
  return Object.values(labels).map((label) => {
    const name = String(label);
    return Object.hasOwn(described, name) ? String(described[name]) : name;
  });
}

function wrong(what: string, field: string, value: unknown): CheckpointError {
  return new CheckpointError(expected(what, `${field} of config.json`, value));
}
