/** Pen strokes as short straight pieces, and pieces as pixels. */
import type { Stroke } from "./hands.js";

/** Points of a polyline: x0, y0, x1, y1, … */
export type Polyline = Float64Array;

const PIECES_PER_SPAN = 6;
const PIECES_PER_LINE = 4;

/**
 * The stroke as a polyline. A curve is a uniform Catmull-Rom spline (its tangent at a point is
 * half the way between the neighbours); a line is cut into pieces too, so that a distortion can bend it.
 */
export function flatten(stroke: Stroke): Polyline {
  const { kind, points } = stroke;
  const pieces = kind === "curve" ? PIECES_PER_SPAN : PIECES_PER_LINE;
  const out = new Float64Array(((points.length - 1) * pieces + 1) * 2);
  let at = 0;
  for (let span = 0; span + 1 < points.length; span++) {
    const [x1, y1] = points[span]!;
    const [x2, y2] = points[span + 1]!;
    const [x0, y0] = points[span - 1] ?? [2 * x1 - x2, 2 * y1 - y2];
    const [x3, y3] = points[span + 2] ?? [2 * x2 - x1, 2 * y2 - y1];
    for (let piece = 0; piece < pieces; piece++) {
      const t = piece / pieces;
      out[at++] = kind === "curve" ? catmullRom(x0, x1, x2, x3, t) : x1 + (x2 - x1) * t;
      out[at++] = kind === "curve" ? catmullRom(y0, y1, y2, y3, t) : y1 + (y2 - y1) * t;
    }
  }
  const [x, y] = points[points.length - 1]!;
  out[at++] = x;
  out[at] = y;
  return out;
}

/** ½ [2b + (c − a)t + (2a − 5b + 4c − d)t² + (3b − a − 3c + d)t³] (Catmull and Rom, 1974). */
function catmullRom(a: number, b: number, c: number, d: number, t: number): number {
  return 0.5 * (2 * b + t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))));
}

/**
 * Lowers `squared` (one number per pixel of a square picture) to the squared distance between the pixel's centre and
 * the polyline, for the pixels within `reach` of it. Coordinates are in pixels.
 */
export function approach(squared: Float64Array, size: number, polyline: Polyline, reach: number): void {
  for (let i = 0; i + 3 < polyline.length; i += 2) {
    const x1 = polyline[i]!;
    const y1 = polyline[i + 1]!;
    const x2 = polyline[i + 2]!;
    const y2 = polyline[i + 3]!;
    const dx = x2 - x1;
    const dy = y2 - y1;
    const length2 = dx * dx + dy * dy;
    const left = Math.max(0, Math.floor(Math.min(x1, x2) - reach));
    const right = Math.min(size - 1, Math.ceil(Math.max(x1, x2) + reach));
    const top = Math.max(0, Math.floor(Math.min(y1, y2) - reach));
    const bottom = Math.min(size - 1, Math.ceil(Math.max(y1, y2) + reach));
    for (let y = top; y <= bottom; y++) {
      const py = y + 0.5 - y1;
      for (let x = left; x <= right; x++) {
        const px = x + 0.5 - x1;
        // Where the foot of the perpendicular lies on the piece, from 0 at its start to 1 at its end.
        let t = length2 > 0 ? (px * dx + py * dy) / length2 : 0;
        t = t < 0 ? 0 : t > 1 ? 1 : t;
        const ex = px - t * dx;
        const ey = py - t * dy;
        const distance2 = ex * ex + ey * ey;
        const pixel = y * size + x;
        if (distance2 < squared[pixel]!) squared[pixel] = distance2;
      }
    }
  }
}
