// The pad: it draws what mouse, finger, pen or keyboard do at once, and tells what came of it.
//
// It keeps to digitlab/web/pad/overlay.js, the pad of the notebooks, wherever a hand can tell.

export const PAD = 280; // pad pixels: its side, in which strokes are given, whatever its size on the screen
const PEN = 0.07 * PAD; // pad pixels: the width of the pen, which the network never sees
const DOT = 0.03 * PAD; // pad pixels: ink no larger is a dot, however the hand trembled
const HISTORY = 200; // steps that can be taken back
const STEP = 10; // pad pixels: how far an arrow key goes
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Pad {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{ink: function(), change: function()}} listener ink: the stroke under the pen has grown;
   *   change: a stroke has ended, or was taken back, or all were
   */
  constructor(canvas, listener) {
    this.strokes = []; // lists of points [x, y] in pad pixels, y down
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.listener = listener;
    this.past = []; // drawings, to undo
    this.stroke = null; // the one under the pen
    this.pointer = null; // the mouse, finger or pen that draws
    this.kind = null; // which of them it is
    this.cursor = null; // the place of the keyboard's pen
    const listeners = {
      pointerdown: (event) => this.down(event),
      pointermove: (event) => this.move(event),
      lostpointercapture: (event) => event.pointerId === this.pointer && this.lift(),
      keydown: (event) => this.key(event),
      blur: () => this.hideCursor(),
    };
    for (const [name, handle] of Object.entries(listeners)) canvas.addEventListener(name, handle);
    addEventListener("keydown", (event) => {
      if (event.key.toLowerCase() !== "z" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
      event.preventDefault();
      this.undo();
    });
    new ResizeObserver(() => this.redraw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.redraw());
  }

  /** The drawing as it is read, the stroke under the pen included. */
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
    this.lift();
    if (this.past.length === 0) return;
    this.strokes = this.past.pop();
    this.redraw();
    this.listener.change();
  }

  change(strokes) {
    this.past.push(this.strokes);
    this.past.splice(0, this.past.length - HISTORY);
    this.strokes = strokes;
    this.redraw();
    this.listener.change();
  }

  // Drawing.

  redraw() {
    const { canvas, context } = this;
    // As many pixels as the screen has. Setting them clears the canvas and resets its styles.
    const side = Math.max(Math.round(canvas.clientWidth * devicePixelRatio), 1);
    if (canvas.width !== side || canvas.height !== side) canvas.width = canvas.height = side;
    const style = getComputedStyle(canvas);
    context.setTransform(side / PAD, 0, 0, side / PAD, 0, 0);
    context.fillStyle = style.getPropertyValue("--paper");
    context.fillRect(0, 0, PAD, PAD);
    context.strokeStyle = style.getPropertyValue("--ink");
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = PEN;
    for (const stroke of this.strokes) this.draw(stroke);
    if (this.stroke) this.draw(this.stroke);
    if (this.cursor) this.drawCursor();
  }

  draw(points) {
    const { context } = this;
    // A dot first: a line of no length shows no ink.
    context.fillStyle = context.strokeStyle;
    context.beginPath();
    context.arc(...points[0], PEN / 2, 0, 2 * Math.PI);
    context.fill();
    context.beginPath();
    for (const point of points) context.lineTo(...point);
    context.stroke();
  }

  begin(point) {
    this.stroke = [point];
    this.draw(this.stroke);
    this.listener.ink();
  }

  extend(points) {
    if (points.length === 0) return;
    this.draw([this.stroke.at(-1), ...points]);
    this.stroke.push(...points);
    this.listener.ink();
  }

  end() {
    if (this.stroke === null) return;
    const stroke = this.stroke;
    this.stroke = null;
    this.change([...this.strokes, stroke]);
  }

  lift() {
    this.pointer = null;
    this.end();
  }

  // Mouse, finger and pen.

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * PAD) / box.width, ((event.clientY - box.top) * PAD) / box.height];
  }

  down(event) {
    if (event.button !== 0) return;
    if (this.pointer !== null) {
      // The first finger draws. But a hand that lay there before its pen has drawn nothing.
      if (event.pointerType !== "pen" || this.kind !== "touch") return;
      this.stroke = null;
      this.redraw();
    }
    this.hideCursor();
    this.canvas.setPointerCapture(event.pointerId);
    this.pointer = event.pointerId;
    this.kind = event.pointerType;
    this.begin(this.place(event));
  }

  move(event) {
    if (event.pointerId !== this.pointer) return;
    if (!(event.buttons & 1)) return this.lift(); // a menu or another window has had the release
    // All places that the pen passed since the last frame. Events made by scripts have none.
    const passed = event.getCoalescedEvents?.() ?? [];
    const added = [];
    for (const point of (passed.length ? passed : [event]).map((one) => this.place(one))) {
      const inside = point.every((value) => 0 <= value && value <= PAD);
      if (this.stroke === null) {
        if (inside) this.begin(point); // the pen comes back
        continue;
      }
      added.push(point.map((value) => Math.min(Math.max(value, 0), PAD)));
      if (!inside) {
        this.extend(added.splice(0));
        this.end(); // the pen leaves the pad
      }
    }
    this.extend(added);
  }

  // The keyboard: arrows move a pen, the space bar puts it down and lifts it.

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || this.pointer !== null) return;
    const arrow = ARROWS[event.key];
    if (arrow) {
      this.cursor ??= [PAD / 2, PAD / 4];
      this.cursor = this.cursor.map((value, i) => Math.min(Math.max(value + STEP * arrow[i], 0), PAD));
      if (this.stroke) this.extend([this.cursor]);
    } else if (event.key === " " || event.key === "Enter") {
      this.cursor ??= [PAD / 2, PAD / 4];
      if (this.stroke) this.end();
      else this.begin(this.cursor);
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

  hideCursor() {
    if (this.cursor === null) return;
    this.cursor = null;
    this.end();
    this.redraw();
  }
}
