// The pad: it draws at once what a mouse, finger, pen or keyboard does, and tells a listener.

import { PointerInput, drawStroke, prepare, shortcut } from "./pointer.js";

export const PAD = 280; // the pad's side in pad pixels, the unit of strokes, whatever its size on the screen
const PEN = 0.07 * PAD; // pad pixels: the width of the pen, which the network never sees
const DOT = 0.03 * PAD; // pad pixels: ink no larger than this is a dot, however the hand trembled
const HISTORY = 200; // steps that can be taken back
const STEP = 10; // pad pixels: how far an arrow key goes
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Pad {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{ink: function(), change: function()}} listener ink: the stroke under the pen has grown;
   *   change: a stroke has ended, or a change was undone or redone, or the pad was cleared
   */
  constructor(canvas, listener) {
    this.strokes = []; // lists of points [x, y] in pad pixels, y down
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.listener = listener;
    this.past = []; // drawings, to undo
    this.future = []; // and to redo
    this.stroke = null; // the one under the pen
    this.cursor = null; // the place of the keyboard's pen
    this.input = new PointerInput(canvas, PAD, PAD, {
      down: (event) => this.down(event),
      begin: (point) => this.begin(point),
      extend: (points) => this.extend(points),
      end: () => this.end(),
      undo: () => this.undo(),
    });
    canvas.addEventListener("keydown", (event) => this.key(event));
    canvas.addEventListener("blur", () => this.hideCursor());
    addEventListener("keydown", (event) => {
      const action = shortcut(event);
      if (action === undefined) return;
      event.preventDefault();
      this[action]();
    });
    new ResizeObserver(() => this.redraw()).observe(canvas);
    addEventListener("resize", () => this.redraw()); // zooming may leave the canvas' own size alone
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
  }

  /** The drawing as it is read, including the stroke under the pen. */
  get drawing() {
    const drawing = this.stroke ? [...this.strokes, this.stroke] : this.strokes;
    const points = drawing.flat();
    const long = [0, 1].some((axis) => {
      const values = points.map((point) => point[axis]);
      return values.reduce((a, b) => Math.max(a, b), -Infinity) - values.reduce((a, b) => Math.min(a, b), Infinity) > DOT;
    });
    // Scaled up, a tap of two or three pixels would be read as a 1.
    return long || points.length === 0 ? drawing : [[points[0]]];
  }

  clear() {
    this.lift();
    this.change([]);
  }

  undo() {
    this.lift(); // first, because it changes what can be undone and redone
    this.travel(this.past, this.future);
  }

  redo() {
    this.lift();
    this.travel(this.future, this.past);
  }

  /** Goes one step through the history, from past to future or back. */
  travel(source, target) {
    if (source.length === 0) return;
    target.push(this.strokes);
    this.show(source.pop());
  }

  change(strokes) {
    // Clearing an empty pad changes nothing, and what was undone can still be redone.
    if (strokes.length > 0 || this.strokes.length > 0) {
      this.past.push(this.strokes);
      this.past.splice(0, this.past.length - HISTORY);
      this.future = [];
    }
    this.show(strokes);
  }

  show(strokes) {
    this.strokes = strokes;
    this.redraw();
    this.listener.change();
  }

  // Drawing.

  redraw() {
    const { canvas, context } = this;
    prepare(canvas, context, PAD, PAD, PEN);
    const style = getComputedStyle(canvas);
    context.fillStyle = style.getPropertyValue("--paper");
    context.fillRect(0, 0, PAD, PAD);
    context.strokeStyle = style.getPropertyValue("--ink");
    for (const stroke of this.strokes) drawStroke(context, stroke);
    if (this.stroke) drawStroke(context, this.stroke);
    if (this.cursor) this.drawCursor();
  }

  begin(point) {
    this.stroke = [point];
    drawStroke(this.context, this.stroke);
    this.listener.ink();
  }

  extend(points) {
    drawStroke(this.context, [this.stroke.at(-1), ...points]);
    this.stroke.push(...points);
    this.listener.ink();
  }

  end() {
    const stroke = this.stroke;
    this.stroke = null;
    this.change([...this.strokes, stroke]);
  }

  /** Ends the stroke under the pen, if there is one. */
  lift() {
    this.input.lift();
  }

  // The keyboard: arrows move a pen, the space bar puts it down and lifts it.

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || this.input.pointer !== null) return;
    const arrow = ARROWS[event.key];
    if (arrow) {
      this.cursor ??= [PAD / 2, PAD / 4];
      this.cursor = this.cursor.map((value, i) => Math.min(Math.max(value + STEP * arrow[i], 0), PAD));
      if (this.stroke) this.input.extend([this.cursor]);
    } else if (event.key === " " || event.key === "Enter") {
      this.cursor ??= [PAD / 2, PAD / 4];
      if (event.repeat) return event.preventDefault(); // held down, it moves the pen once
      if (this.stroke) this.input.end();
      else this.input.begin(this.cursor);
    } else {
      return;
    }
    event.preventDefault();
    this.redraw();
  }

  drawCursor() {
    const { context, cursor } = this;
    context.save();
    context.beginPath();
    context.arc(...cursor, PEN / 2 + 3, 0, 2 * Math.PI);
    context.lineWidth = 3;
    context.strokeStyle = this.stroke ? "#ffb454" : "#84b4ff";
    context.stroke();
    context.restore();
  }

  down({ pointerType }) {
    if (pointerType !== "mouse") this.canvas.focus({ preventScroll: true }); // a mouse gives it the focus by itself
    this.hideCursor();
    this.redraw(); // the window may have come to a sharper screen
  }

  hideCursor() {
    if (this.cursor === null) return;
    this.cursor = null;
    this.input.end();
    this.redraw();
  }
}
