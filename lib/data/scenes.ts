// Scenes of shapes and digits with their captions and boxes, drawn from a seed.

import { assertInteger } from '../core/check.ts';
import { makeImage, type RgbImage } from '../core/image.ts';
import { assertFields } from '../core/kinds.ts';
import { Rng } from '../core/rng.ts';
import { digits, shapes, type Distance } from './glyphs.ts';

/** The place of an object in pixels; right and bottom are beyond its last pixel. */
export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/**
 * One object of a scene.
 *
 * @property kind    circle, square, triangle, star, cross, ring, or a digit 0 … 9
 * @property color   the name of its colour
 * @property phrase  as the caption says it: `a red circle`
 */
export interface SceneObject {
  kind: string;
  color: string;
  phrase: string;
  box: Box;
}

/** A picture, a sentence about it, and its objects from left to right. */
export interface Scene {
  image: RgbImage;
  caption: string;
  objects: SceneObject[];
}

/**
 * The options of `scene`.
 *
 * @property size        sides of the picture in pixels; default 64
 * @property maxObjects  objects are drawn from 1 to this number; default 3
 * @property seed        default 0
 */
export interface SceneOptions {
  size?: number;
  maxObjects?: number;
  seed?: number;
}

/** The colours of objects by name. */
export const sceneColors: Readonly<Record<string, readonly [number, number, number]>> = {
  red: [214, 45, 50],
  orange: [240, 140, 30],
  yellow: [242, 205, 50],
  green: [45, 160, 75],
  blue: [45, 100, 210],
  purple: [130, 65, 175],
  pink: [235, 120, 170],
  black: [28, 28, 32],
};

/** The kinds of objects, shapes before digits: the classes of a model of scenes. */
export const sceneKinds: readonly string[] = [
  ...Object.keys(shapes),
  ...digits.map((_, digit) => String(digit)),
];

/**
 * The scene of an index: a pure function of the index and the options.
 *
 * Objects do not overlap; boxes hold every pixel that is more than half an object's.
 *
 * @example const { image, caption, objects } = scene(0);   // "a red circle and a blue 7"
 */
export function scene(index: number, options: SceneOptions = {}): Scene {
  assertInteger('index', index, { min: 0 });
  assertFields('the options of scene', options, {});
  const { size = 64, maxObjects = 3, seed = 0 } = options;
  assertInteger('size', size, { min: 16, max: 4096 });
  assertInteger('maxObjects', maxObjects, { min: 1, max: 6 });
  const rng = new Rng(seed).split('scene', index);
  const uniform = (low: number, high: number) => low + (high - low) * (rng.uint32() / 2 ** 32);
  const oneOf = <T>(list: readonly T[]) => list[Math.floor(uniform(0, list.length))]!;
  const pixels = ground(size, uniform);
  const wanted = 1 + Math.floor(uniform(0, maxObjects));
  const placed: { x: number; y: number; radius: number }[] = [];
  const objects: SceneObject[] = [];
  for (let attempt = 0; objects.length < wanted && attempt < 200; attempt += 1) {
    const radius = size * uniform(0.12, wanted === 1 ? 0.3 : 0.2);
    const [x, y] = [uniform(radius, size - radius), uniform(radius, size - radius)];
    const free = placed.every(
      (other) => (x - other.x) ** 2 + (y - other.y) ** 2 > (1.25 * (radius + other.radius)) ** 2,
    );
    if (!free) continue;
    const kind = oneOf(sceneKinds);
    const color = oneOf(Object.keys(sceneColors));
    const form = shapes[kind] ?? digits[Number(kind)]!;
    const turn = uniform(-0.2, 0.2);
    const box = draw(pixels, size, { form, x, y, radius, turn, color: sceneColors[color]! });
    if (box === undefined) continue;
    placed.push({ x, y, radius });
    objects.push({ kind, color, phrase: `${article(color)} ${color} ${kind}`, box });
  }
  objects.sort((a, b) => a.box.left - b.box.left || a.box.top - b.box.top);
  const bytes = Uint8Array.from(pixels, (value) => Math.round(Math.min(255, Math.max(0, value))));
  return { image: makeImage(size, size, 3, bytes), caption: captionOf(objects), objects };
}

/** `a red circle, a green 3 and an orange star`. */
function captionOf(objects: readonly SceneObject[]): string {
  const phrases = objects.map(({ phrase }) => phrase);
  const last = phrases.pop()!;
  return phrases.length === 0 ? last : `${phrases.join(', ')} and ${last}`;
}

function article(word: string): string {
  return /^[aeiou]/.test(word) ? 'an' : 'a';
}

// A light ground that changes slowly, with a little noise.
function ground(size: number, uniform: (low: number, high: number) => number): Float64Array {
  const base = [0, 1, 2].map(() => uniform(205, 250));
  const [across, down] = [uniform(-25, 25), uniform(-25, 25)];
  const pixels = new Float64Array(3 * size * size);
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      const shade = across * (x / size - 0.5) + down * (y / size - 0.5) + uniform(-3, 3);
      for (let c = 0; c < 3; c += 1) pixels[3 * (y * size + x) + c] = base[c]! + shade;
    }
  }
  return pixels;
}

// Paints a form and gives the box of its pixels.
function draw(
  pixels: Float64Array,
  size: number,
  about: {
    form: Distance;
    x: number;
    y: number;
    radius: number;
    turn: number;
    color: readonly [number, number, number];
  },
): Box | undefined {
  const { form, x: cx, y: cy, radius, turn, color } = about;
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const reach = Math.ceil(radius * 1.5);
  const box = { left: size, top: size, right: 0, bottom: 0 };
  const [top, bottom] = [
    Math.max(0, Math.floor(cy) - reach),
    Math.min(size, Math.ceil(cy) + reach),
  ];
  const [left, right] = [
    Math.max(0, Math.floor(cx) - reach),
    Math.min(size, Math.ceil(cx) + reach),
  ];
  for (let y = top; y < bottom; y += 1) {
    for (let x = left; x < right; x += 1) {
      const [dx, dy] = [(x + 0.5 - cx) / radius, (y + 0.5 - cy) / radius];
      if (dx * dx + dy * dy > 2.2) continue;
      const distance = form(cos * dx + sin * dy, cos * dy - sin * dx) * radius;
      const cover = Math.min(1, Math.max(0, 0.5 - distance));
      if (cover === 0) continue;
      const at = 3 * (y * size + x);
      for (let c = 0; c < 3; c += 1) {
        pixels[at + c] = pixels[at + c]! * (1 - cover) + color[c]! * cover;
      }
      if (cover <= 0.5) continue;
      box.left = Math.min(box.left, x);
      box.top = Math.min(box.top, y);
      box.right = Math.max(box.right, x + 1);
      box.bottom = Math.max(box.bottom, y + 1);
    }
  }
  return box.left < box.right ? box : undefined;
}
