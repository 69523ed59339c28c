// A digit of MNIST as somebody would photograph it: larger, off the centre, on shaded and noisy paper.

import type { RgbImage } from '../../lib/core/image.ts';
import type { Rng } from '../../lib/core/rng.ts';
import { resizeImage } from '../../lib/data/resizeImage.ts';

/** The scene of one photograph, drawn from a stream of random numbers; the fields that are given stay. */
export interface Scene {
  /** Sides of the photograph, in pixels. */
  width: number;
  height: number;
  /** The side of the digit's 28 × 28 field in the photograph, as a share of the shorter side. */
  size: number;
  /** Where its centre lies, as shares of the sides. */
  x: number;
  y: number;
  degrees: number;
  /** Levels of paper and ink, before the shading. */
  paper: number;
  ink: number;
  /** How much darker one side is than the other, and how much the corners are, as shares. */
  gradient: number;
  vignette: number;
  /** The direction of the gradient, in radians. */
  direction: number;
  /** The standard deviation of the noise, in levels. */
  noise: number;
  /** How far the edge of the stroke is moved outwards, in pixels of MNIST: a negative number is a thin pen. */
  stroke: number;
}

/** A scene as people take it. */
export function drawScene(rng: Rng, given: Partial<Scene> = {}): Scene {
  const between = (low: number, high: number): number => low + (high - low) * rng.uniform();
  const isBoard = rng.bernoulli(0.15);
  const paper = isBoard ? between(25, 80) : between(130, 250);
  const contrast = isBoard ? between(90, 160) : -between(70, Math.min(220, paper));
  return {
    width: Math.round(between(100, 420)),
    height: Math.round(between(100, 420)),
    size: between(0.3, 0.85),
    x: between(0.32, 0.68),
    y: between(0.32, 0.68),
    degrees: between(-10, 10),
    paper,
    ink: paper + contrast,
    gradient: between(0, 0.45),
    vignette: between(0, 0.25),
    direction: between(0, 2 * Math.PI),
    noise: between(0, 8),
    stroke: between(-0.6, 0.5),
    ...given,
  };
}

/** The photograph of a digit, 28 × 28 and light on dark as MNIST has it. */
export function photographOf(digit: RgbImage, scene: Scene, rng: Rng): RgbImage {
  const { width, height, size, degrees, paper, ink, gradient, vignette, direction } = scene;
  const factor = 8;
  const large = resizeImage(digit, { width: 28 * factor, height: 28 * factor }, 'bicubic');
  const side = size * Math.min(width, height);
  const angle = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  // A field further inside the photograph than its border.
  const margin = side / 2;
  const place = (share: number, length: number): number =>
    Math.min(length - margin, Math.max(margin, share * length));
  const [centreX, centreY] = [place(scene.x, width), place(scene.y, height)];
  // The level at which the smooth image is cut moves the edge of the stroke.
  const level = 127 - 110 * scene.stroke;
  const data = new Uint8Array(width * height);
  // Drawing a normal number for each pixel would take most of the time.
  const normals = Float32Array.from({ length: 4099 }, () => rng.normal());
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const [dx, dy] = [(x - centreX) / side, (y - centreY) / side];
      const u = (cos * dx + sin * dy + 0.5) * large.width;
      const v = (cos * dy - sin * dx + 0.5) * large.height;
      const cover = coverOf(large, u, v, level, large.width / side);
      const [px, py] = [x / width - 0.5, y / height - 0.5];
      const along = px * Math.cos(direction) + py * Math.sin(direction);
      const light = 1 - gradient * (0.5 + along) - vignette * 2 * (px * px + py * py);
      const shown =
        (paper + (ink - paper) * cover) * light +
        scene.noise * normals[(y * width + x + 31 * y) % 4099]!;
      data[y * width + x] = Math.max(0, Math.min(255, Math.round(shown)));
    }
  }
  return { width, height, channels: 1, data };
}

// How much of a pixel the stroke covers; `step` is the size of the pixel in the large image.
function coverOf(image: RgbImage, u: number, v: number, level: number, step: number): number {
  const at = (x: number, y: number): number => {
    const [i, j] = [Math.floor(x), Math.floor(y)];
    const isInside = i >= 0 && j >= 0 && i < image.width && j < image.height;
    return isInside ? image.data[j * image.width + i]! : 0;
  };
  if (u < 0 || v < 0 || u >= image.width || v >= image.height) return 0;
  let sum = 0;
  for (const dy of [-0.25, 0.25]) {
    for (const dx of [-0.25, 0.25]) {
      sum += Math.min(1, Math.max(0, (at(u + dx * step, v + dy * step) - level) / 40 + 0.5));
    }
  }
  return sum / 4;
}
