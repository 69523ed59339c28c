// Advice for the next run: rules that look at the numbers of this one.

import { classLabel, percent } from '../core/format.ts';
import { html, type Html } from './html.ts';
import type { Evidence } from './evidence.ts';
import type { RunReport } from './runReport.ts';

/** One piece of advice: what the numbers say, and what to do about it. `tone`: how much it matters. */
export interface Advice {
  id: string;
  tone: 'important' | 'hint';
  title: string;
  text: Html;
}

type Rule = (report: RunReport, evidence: Evidence) => Advice | undefined;

/** The advice for a run, what matters most first. A run without evaluated images gets the advice to hold some out. */
export function adviceFor(report: RunReport, evidence: Evidence | undefined): Advice[] {
  if (evidence === undefined) return [holdOutImages];
  const all = rules.flatMap((rule) => rule(report, evidence) ?? []);
  const has = (id: string) => all.some((advice) => advice.id === id);
  const found = all.filter(({ id }) => {
    // A model that knows nothing makes every mistake there is.
    if (has('chance')) return ['chance', 'badFiles', 'pretrain', 'few'].includes(id);
    // Both say to train longer.
    return id !== 'longer' || !has('underfitting');
  });
  const [important, hints] = [
    found.filter(({ tone }) => tone === 'important'),
    found.filter(({ tone }) => tone === 'hint'),
  ];
  return [...important, ...hints];
}

const holdOutImages: Advice = {
  id: 'holdOut',
  tone: 'important',
  title: 'Hold images out',
  text: html`All images were trained on, so nothing here says how the model does on new ones. Hold
    some out: <code>--val-split 0.1</code>.`,
};

// A gap counts where it is larger than what chance does in so few images.
function gapOf({ evaluated }: RunReport, { top1, interval }: Evidence): number {
  const { training } = evaluated!;
  if (training === undefined) return 0;
  return training.top1 > interval[1] ? training.top1 - top1 : 0;
}

const chance: Rule = (_, { top1, majority, images }) => {
  if (top1 > majority + 2 * Math.sqrt((majority * (1 - majority)) / images)) return undefined;
  return {
    id: 'chance',
    tone: 'important',
    title: 'The model has learned nothing yet',
    text: html`Always naming the most frequent class would be right in ${percent(majority)}. Try a
      smaller learning rate (<code>--lr</code>), a longer warm-up and more epochs, and look at a few
      samples as the model sees them: <code>tfjs-vit augment --show</code>.`,
  };
};

const overfitting: Rule = (report, evidence) => {
  const gap = gapOf(report, evidence);
  if (gap < 0.05) return undefined;
  const { training } = report.evaluated!;
  const begin = report.pretrained
    ? ''
    : ' Beginning from a checkpoint helps most where images are few (--finetune).';
  return {
    id: 'overfitting',
    tone: 'important',
    title: 'It knows its training images by heart',
    text: html`${percent(training!.top1)} of them are right without augmentation, and
      ${percent(evidence.top1)} of new ones. More images, stronger augmentation, a smaller model or
      a larger weight decay (<code>--weight-decay</code>) close the gap;
      <code>--early-stop 10</code> saves the time after the best epoch.${begin}`,
  };
};

const underfitting: Rule = (report, evidence) => {
  const { training } = report.evaluated!;
  if (training === undefined || training.top1 >= 0.95 || gapOf(report, evidence) >= 0.05) {
    return undefined;
  }
  return {
    id: 'underfitting',
    tone: 'important',
    title: 'It has not learned its training images yet',
    text: html`Even of those only ${percent(training.top1)} are right, without augmentation. Train
      longer (<code>--epochs ${2 * report.epochs}</code>), with a larger learning rate or a larger
      model, or augment less.`,
  };
};

const unfinished: Rule = ({ best, log, end, epochs }, { top1 }) => {
  if (end === 'earlyStop' || best === null || best < log.length || top1 >= 0.995) return undefined;
  return {
    id: 'longer',
    tone: 'hint',
    title: 'The last epoch was the best',
    text: html`The run may not have reached its end. Train longer:
      <code>--epochs ${Math.ceil(1.5 * epochs)}</code>.`,
  };
};

const imbalance: Rule = ({ trainingCounts, classNames }, { classes }) => {
  const counts = trainingCounts.map((count, k) => [count, k] as const).sort((a, b) => a[0] - b[0]);
  const [fewest, most] = [counts[0], counts.at(-1)];
  if (fewest === undefined || most === undefined || most[0] < 5 * Math.max(1, fewest[0])) {
    return undefined;
  }
  const name = (k: number) => classLabel(k, classNames);
  const recall = classes[fewest[1]]?.recall ?? null;
  const found = recall === null ? '' : `, of which ${percent(recall)} are found`;
  return {
    id: 'imbalance',
    tone: 'hint',
    title: 'Classes differ much in size',
    text: html`“${name(most[1])}” has ${most[0]} images to train on, “${name(fewest[1])}”
    ${fewest[0]}${found}. Look at the recall of the small classes rather than at the share of all
    images, and collect more images of them.`,
  };
};

const confusedPair: Rule = ({ classNames }, { confusions, classes }) => {
  const [pair] = confusions;
  if (pair === undefined || pair.images < 3) return undefined;
  const { support } = classes[pair.actual]!;
  if (pair.images < 0.1 * support) return undefined;
  const name = (k: number) => classLabel(k, classNames);
  return {
    id: 'confused',
    tone: 'hint',
    title: `“${name(pair.actual)}” is taken for “${name(pair.predicted)}”`,
    text: html`${pair.images} of ${support} images. Look at both classes side by side: are some
    files in the wrong folder, do the classes overlap, or is the difference too small to see at the
    model's image size?`,
  };
};

const sureMistakes: Rule = (_, { sure, images }) => {
  if (sure.length === 0) return undefined;
  const many = sure.length > 1;
  return {
    id: 'labels',
    tone: sure.length > 0.02 * images ? 'important' : 'hint',
    title: `${sure.length} mistake${many ? 's' : ''} the model is sure of`,
    text: html`With a probability of 95 % or more for another class. Such images often lie in the
      wrong folder: look at the <a href="#worst">worst images</a> first.`,
  };
};

const fewHeldOut: Rule = ({ evaluated, trainingCounts }, { images, interval, classes, top1 }) => {
  const smallest = classes.reduce((least, { support }) => Math.min(least, support), Infinity);
  if (images >= 200 && smallest >= 10) return undefined;
  const share = images / (images + trainingCounts.reduce((a, b) => a + b, 0));
  const more = Math.round(Math.min(0.4, 2 * share) * 20) / 20;
  const remedy =
    evaluated!.part === 'validation' && more > share
      ? html`A larger share gives surer numbers: <code>--val-split ${more}</code>.`
      : html`More images give surer numbers.`;
  return {
    id: 'few',
    tone: 'hint',
    title: 'Few images to measure on',
    text: html`With ${images} images, ${percent(top1)} stands for anything from
    ${percent(interval[0])} to ${percent(interval[1])}; the smallest class has ${smallest}.
    ${remedy}`,
  };
};

const badFiles: Rule = ({ badImages }) => {
  if (badImages.length === 0) return undefined;
  const [first] = badImages;
  return {
    id: 'badFiles',
    tone: 'important',
    title: `${badImages.length} file${badImages.length === 1 ? '' : 's'} could not be read`,
    text: html`Others of their class stood in for them. The first: ${first!.file}
    (${first!.reason}). Mend or remove them.`,
  };
};

const confidence: Rule = ({ smoothing }, { calibration, meanConfidence, top1, images }) => {
  if (images < 100 || calibration.ece < 0.05) return undefined;
  const over = meanConfidence > top1;
  return {
    id: 'calibration',
    tone: 'hint',
    title: over ? 'It is too sure of itself' : 'It is less sure than it may be',
    text: over
      ? html`On average it gives ${percent(meanConfidence)} to its answer and is right in
          ${percent(top1)}. Do not read its probabilities as they are; label smoothing (<code
            >--smoothing 0.1</code
          >) and fewer epochs lower them.`
      : html`On average it gives ${percent(meanConfidence)} to its answer and is right in
        ${percent(top1)}.${smoothing > 0 ? ' Label smoothing and mixup do that on purpose.' : ''}`,
  };
};

const fewImages: Rule = ({ trainingCounts, pretrained }, { top1 }) => {
  const total = trainingCounts.reduce((a, b) => a + b, 0);
  if (pretrained || top1 > 0.95 || total >= 200 * trainingCounts.length) return undefined;
  return {
    id: 'pretrain',
    tone: 'hint',
    title: 'Begin from a checkpoint',
    text: html`${Math.round(total / trainingCounts.length)} images a class are few for a Vision
      Transformer that begins from scratch. <code>--finetune FILE</code> begins from a model that
      was trained on many more.`,
  };
};

const rules: readonly Rule[] = [
  chance,
  badFiles,
  overfitting,
  underfitting,
  sureMistakes,
  confusedPair,
  imbalance,
  unfinished,
  fewImages,
  fewHeldOut,
  confidence,
];
