// Connected components of a mask.

import type { Plane } from './plane.ts';

/** A rectangle of pixels: `left ≤ x < right`, `top ≤ y < bottom`. */
export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/**
 * Pixels that hang together, corners included.
 *
 * @property pixels  their positions, y · width + x
 * @property mass    the sum of the plane over them
 */
export interface Component {
  pixels: number[];
  box: Box;
  mass: number;
}

/** The components of all pixels above `low` that hold one above `high`, the largest mass first. */
export function componentsAbove(plane: Plane, low: number, high: number): Component[] {
  const { width, height, values } = plane;
  const seen = new Uint8Array(values.length);
  const found: Component[] = [];
  for (let start = 0; start < values.length; start += 1) {
    if (seen[start] === 1 || values[start]! < high) continue;
    seen[start] = 1;
    const pixels = [start];
    for (let k = 0; k < pixels.length; k += 1) {
      const [x, y] = [pixels[k]! % width, Math.floor(pixels[k]! / width)];
      for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v += 1) {
        for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u += 1) {
          const at = v * width + u;
          if (seen[at] === 1 || values[at]! < low) continue;
          seen[at] = 1;
          pixels.push(at);
        }
      }
    }
    found.push(componentOf(pixels, plane));
  }
  return found.sort((a, b) => b.mass - a.mass);
}

/** Several components as one. */
export function joined(components: readonly Component[], plane: Plane): Component {
  return componentOf(
    components.flatMap(({ pixels }) => pixels),
    plane,
  );
}

function componentOf(pixels: number[], { width, values }: Plane): Component {
  const box = { left: Infinity, top: Infinity, right: 0, bottom: 0 };
  let mass = 0;
  for (const at of pixels) {
    const [x, y] = [at % width, Math.floor(at / width)];
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x + 1);
    box.top = Math.min(box.top, y);
    box.bottom = Math.max(box.bottom, y + 1);
    mass += values[at]!;
  }
  return { pixels, box, mass };
}
