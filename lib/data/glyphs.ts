// Shapes and digits as distances, from which pictures of them are drawn without jagged edges.

/** A point in a box from −1 to 1, y downwards. */
type Point = readonly [x: number, y: number];

/** The distance of a point to the edge of a shape, negative inside. The shape fills a box from −1 to 1. */
export type Distance = (x: number, y: number) => number;

const tau = 2 * Math.PI;

/** The shapes by name. */
export const shapes: Readonly<Record<string, Distance>> = {
  circle: (x, y) => Math.sqrt(x * x + y * y) - 1,
  square: (x, y) => Math.max(Math.abs(x), Math.abs(y)) - 0.9,
  triangle: polygon([0, 1, 2].map((i) => onCircle((i / 3) * tau - tau / 4, 1.1))),
  star: polygon(
    Array.from({ length: 10 }, (_, i) =>
      onCircle((i / 10) * tau - tau / 4, i % 2 === 0 ? 1.1 : 0.46),
    ),
  ),
  cross: (x, y) =>
    Math.min(
      Math.max(Math.abs(x) - 1, Math.abs(y) - 0.34),
      Math.max(Math.abs(x) - 0.34, Math.abs(y) - 1),
    ),
  ring: (x, y) => Math.abs(Math.sqrt(x * x + y * y) - 0.75) - 0.25,
};

const half = 0.17;

/** The digits 0 to 9, drawn with a pen of one width. */
export const digits: readonly Distance[] = [
  stroke(arc(0, 0, 0.55, 0.8, 0, 1)),
  stroke([
    [-0.35, -0.5],
    [0.1, -0.8],
    [0.1, 0.8],
  ]),
  stroke([...arc(0, -0.35, 0.5, 0.45, 0.5, 1.05), [-0.5, 0.8], [0.55, 0.8]]),
  stroke(arc(0, -0.4, 0.48, 0.4, 0.55, 1.25), arc(0, 0.4, 0.52, 0.4, 0.75, 1.45)),
  stroke([
    [0.3, 0.8],
    [0.3, -0.8],
    [-0.55, 0.35],
    [0.6, 0.35],
  ]),
  stroke([[0.5, -0.8], [-0.4, -0.8], [-0.45, -0.1], ...arc(0, 0.3, 0.52, 0.5, 0.68, 1.42)]),
  stroke(arc(0, 0.32, 0.5, 0.48, 0, 1), [
    [0.35, -0.8],
    [-0.25, -0.3],
    [-0.5, 0.32],
  ]),
  stroke([
    [-0.5, -0.8],
    [0.55, -0.8],
    [-0.15, 0.8],
  ]),
  stroke(arc(0, -0.42, 0.42, 0.38, 0, 1), arc(0, 0.4, 0.52, 0.42, 0, 1)),
  stroke(arc(0, -0.32, 0.5, 0.48, 0, 1), [
    [0.5, -0.32],
    [0.42, 0.3],
    [0.1, 0.8],
  ]),
];

function onCircle(angle: number, radius: number): Point {
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

// Part of an ellipse, from and to in turns, clockwise from the right.
function arc(cx: number, cy: number, rx: number, ry: number, from: number, to: number): Point[] {
  const steps = 24;
  return Array.from({ length: steps + 1 }, (_, i): Point => {
    const angle = tau * (from + ((to - from) * i) / steps);
    return [cx + rx * Math.cos(angle), cy + ry * Math.sin(angle)];
  });
}

function stroke(...lines: readonly (readonly Point[])[]): Distance {
  const all = lines.flatMap((points) => segments(points));
  return (x, y) => Math.sqrt(nearestSquare(x, y, all)) - half;
}

// Start, direction and the inverse of its squared length, five numbers a segment.
function segments(points: readonly Point[]): Float64Array[] {
  return points.slice(1).map(([bx, by], i) => {
    const [ax, ay] = points[i]!;
    const [dx, dy] = [bx - ax, by - ay];
    return Float64Array.of(ax, ay, dx, dy, 1 / (dx * dx + dy * dy || 1));
  });
}

function nearestSquare(x: number, y: number, all: readonly Float64Array[]): number {
  let nearest = Infinity;
  for (const segment of all) {
    const dx = segment[2]!;
    const dy = segment[3]!;
    const px = x - segment[0]!;
    const py = y - segment[1]!;
    let share = (px * dx + py * dy) * segment[4]!;
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    const [ox, oy] = [px - share * dx, py - share * dy];
    const square = ox * ox + oy * oy;
    if (square < nearest) nearest = square;
  }
  return nearest;
}

// The distance to the edges, negative where a ray to the right crosses an odd number of them.
function polygon(points: readonly Point[]): Distance {
  const all = segments([...points, points[0]!]);
  return (x, y) => {
    let inside = false;
    points.forEach((a, i) => {
      const b = points[(i + 1) % points.length]!;
      const crosses = a[1] > y !== b[1] > y;
      if (crosses && x < a[0] + ((y - a[1]) / (b[1] - a[1])) * (b[0] - a[0])) inside = !inside;
    });
    const distance = Math.sqrt(nearestSquare(x, y, all));
    return inside ? -distance : distance;
  };
}
