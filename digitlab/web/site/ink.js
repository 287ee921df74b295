// Ink: strokes brought to 28 x 28 as the digits of MNIST were. It computes the same as render_strokes in
// digitlab/strokes.py, where each step is explained; tests hold both to tests/fixtures/ink.json.
//
// A stroke is a list of points [x, y] in pixels of the pad, y down; a drawing is a list of strokes.

export const SIZE = 28; // pixels: the side of an image
const BOX = 20; // pixels: the longer side of the ink in it
const PEN_WIDTH = 2.6; // pixels
const CENTRE = 14; // pixels: where the centre of mass goes

const TURNS = [-20, 20]; // degrees, clockwise

const REACH = PEN_WIDTH / 2 + 0.5; // pixels from the line to where its ink ends
const PIECE = 2; // pixels: the longest piece of a line that is drawn at once
const WINDOW = Math.floor(PIECE + 2 * REACH) + 1; // pixels: all that one piece can reach
const MARGIN = 14; // pixels around the image: ink that is moved by its centre of mass can leave it
const SIDE = SIZE + 2 * MARGIN;
const SMALLEST = 1e-300; // half the longer side: a smaller drawing is a dot

/**
 * Draws strokes as MNIST would have them, whatever pad, place and size they came from.
 *
 * @param {number[][][]} drawing strokes, each a list of points [x, y], y down
 * @returns {Float32Array} 28 x 28 values in [0, 1], row by row, ink 1 on paper 0; all 0 without points
 * @throws {RangeError} when a coordinate is not a finite number
 */
export function renderStrokes(drawing) {
  const segments = []; // [x, y, x, y]: from one point to the next; a dot's two points are the same
  for (const stroke of drawing) {
    if (!stroke.every((point) => point.length === 2 && point.every(Number.isFinite))) {
      throw new RangeError("expected points [x, y] of finite numbers");
    }
    if (stroke.length === 1) segments.push([...stroke[0], ...stroke[0]]);
    for (let i = 1; i < stroke.length; i++) segments.push([...stroke[i - 1], ...stroke[i]]);
  }
  if (segments.length === 0) return new Float32Array(SIZE * SIZE);

  // 1. Fit.
  const low = [Infinity, Infinity];
  const high = [-Infinity, -Infinity];
  for (const segment of segments) {
    segment.forEach((value, i) => {
      low[i % 2] = Math.min(low[i % 2], value);
      high[i % 2] = Math.max(high[i % 2], value);
    });
  }
  const half = low.map((value, i) => high[i] / 2 - value / 2); // of the box; halves cannot overflow
  const scale = Math.max(...half) > SMALLEST ? (BOX - PEN_WIDTH) / Math.max(...half) : 0;
  // Measured from the corner, not from the middle: far out, where neighbouring floats are thousands apart,
  // the middle of the box may not be one of them.
  const place = (value, i) => (value / 2 - low[i] / 2 - half[i] / 2) * scale + CENTRE;
  const fitted = segments.map((segment) => segment.map((value, i) => place(value, i % 2)));
  const pieces = fitted.flatMap(cut);

  // 2. Draw. 3. Centre, and draw again: moving the points keeps the edges as sharp as they were.
  const [x, y] = centreOfMass(coverage(pieces, 0, 0));
  return Float32Array.from(coverage(pieces, CENTRE - x, CENTRE - y));
}

/** Returns a drawing as other hands might have written it: turned either way, and half as large, so that no coordinate overflows. */
export function turnStrokes(drawing) {
  return TURNS.map((degrees) => {
    const [cos, sin] = [Math.cos, Math.sin].map((of) => of((degrees * Math.PI) / 180) / 2);
    return drawing.map((stroke) => stroke.map(([x, y]) => [x * cos - y * sin, x * sin + y * cos]));
  });
}

/** Cuts a segment into pieces no longer than PIECE. */
function cut([x0, y0, x1, y1]) {
  const count = Math.max(Math.ceil(Math.hypot(x1 - x0, y1 - y0) / PIECE), 1);
  const dx = (x1 - x0) / count;
  const dy = (y1 - y0) / count;
  return Array.from({ length: count }, (_, i) => [x0 + dx * i, y0 + dy * i, dx, dy]);
}

/** The ink that a round pen leaves along pieces [x, y, dx, dy], all moved: 28 x 28 values in [0, 1]. */
function coverage(pieces, moveX, moveY) {
  const squared = new Float64Array(SIDE * SIDE).fill(REACH ** 2); // of the distance to the line
  for (const [startX, startY, dx, dy] of pieces) {
    const x = startX + moveX;
    const y = startY + moveY;
    const length = dx * dx + dy * dy || 1; // squared; for a dot any divisor will do, its products are 0
    const left = Math.ceil(Math.min(x, x + dx) - REACH);
    const top = Math.ceil(Math.min(y, y + dy) - REACH);
    for (let row = top; row < top + WINDOW; row++) {
      for (let column = left; column < left + WINDOW; column++) {
        // Where on the piece, from 0 to 1, is the point nearest to this pixel?
        const at = Math.min(Math.max(((column - x) * dx + (row - y) * dy) / length, 0), 1);
        const distance = (column - x - at * dx) ** 2 + (row - y - at * dy) ** 2;
        const place = (row + MARGIN) * SIDE + column + MARGIN;
        if (distance < squared[place]) squared[place] = distance;
      }
    }
  }
  const image = new Float64Array(SIZE * SIZE);
  for (let row = 0; row < SIZE; row++) {
    for (let column = 0; column < SIZE; column++) {
      const distance = Math.sqrt(squared[(row + MARGIN) * SIDE + column + MARGIN]);
      image[row * SIZE + column] = Math.min(Math.max(REACH - distance, 0), 1);
    }
  }
  return image;
}

function centreOfMass(image) {
  let [sum, x, y] = [0, 0, 0];
  image.forEach((value, i) => {
    sum += value;
    x += value * (i % SIZE);
    y += value * Math.floor(i / SIZE);
  });
  return [x / sum, y / sum];
}
