// What the notebooks' pad and the web page's pad share: strokes from mouse, finger and pen, how they are
// drawn, and the keys for undo and redo.

const SHORTCUTS = { z: "undo", y: "redo", "z+shift": "redo" };

/** The action that a key event asks for, "undo" or "redo", or undefined: Ctrl or Cmd with Z, Y or Shift+Z. */
export function shortcut(event) {
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return undefined;
  let letter = event.key.toLowerCase();
  // A Latin letter counts wherever its key is (QWERTZ, AZERTY, Dvorak). Keyboards of other scripts have none:
  // there the browser says which letter a key stands for. If it does not, the key's place counts.
  if (!/^\p{Script=Latin}$/u.test(event.key)) {
    const stands = event.keyCode >= 65 && event.keyCode <= 90 ? String.fromCharCode(event.keyCode) : "";
    const unknown = !/^\p{ASCII}*$/u.test(event.key) || event.key === "Process" || event.key === "Unidentified";
    letter = (stands || (unknown ? event.code.replace(/^Key/, "") : letter)).toLowerCase();
  }
  return SHORTCUTS[letter + (event.shiftKey ? "+shift" : "")];
}

/** Gives a canvas the resolution of the screen, clears it, and sets pad pixels as its unit. */
export function prepare(canvas, context, width, height, penWidth) {
  // Setting the size clears the canvas and resets its styles.
  canvas.width = Math.max(Math.round(canvas.clientWidth * devicePixelRatio), 1);
  const scale = canvas.width / width;
  canvas.height = Math.max(Math.round(height * scale), 1);
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = penWidth;
}

export function drawStroke(context, points) {
  // A dot first: a line of no length shows no ink.
  context.fillStyle = context.strokeStyle;
  context.beginPath();
  context.arc(...points[0], context.lineWidth / 2, 0, 2 * Math.PI);
  context.fill();
  context.beginPath();
  for (const point of points) context.lineTo(...point);
  context.stroke();
}

/** Turns what a mouse, a finger or a pen does on a canvas into strokes. */
export class PointerInput {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {number} width of the canvas in pad pixels, in which points [x, y] are given
   * @param {number} height
   * @param {{down: function(PointerEvent), begin: function(point), extend: function(points), end: function(),
   *   undo: function()}} listener down: a pointer is pressed; begin, extend, end: of a stroke; undo: take the last
   *   stroke back, it came from a hand that rests on the screen
   */
  constructor(canvas, width, height, listener) {
    Object.assign(this, { canvas, width, height, listener });
    this.drawing = false; // whether a stroke has begun and not ended
    this.begun = 0; // how many strokes have begun since the pointer was pressed
    this.pointer = null; // the mouse, finger or pen that draws
    this.kind = null; // which of them it is
    this.last = null; // the place where it was last, which may be beside the canvas
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    // The system has found that this touch is not a finger, but the palm of a hand.
    canvas.addEventListener("pointercancel", (event) => {
      if (event.pointerId === this.pointer && this.kind === "touch") this.discard();
    });
    canvas.addEventListener("lostpointercapture", (event) => event.pointerId === this.pointer && this.lift());
  }

  begin(point) {
    this.drawing = true;
    this.begun++;
    this.listener.begin(point);
  }

  extend(points) {
    if (points.length > 0) this.listener.extend(points);
  }

  /** Ends the stroke, if there is one. A pointer that is still down begins another when it moves. */
  end() {
    if (!this.drawing) return;
    this.drawing = false;
    this.listener.end();
  }

  lift() {
    this.pointer = null;
    this.end();
  }

  /** Takes back all that the pointer has drawn. */
  discard() {
    this.lift();
    for (; this.begun > 0; this.begun--) this.listener.undo();
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const scale = this.width / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  }

  down(event) {
    if (event.button !== 0) return;
    if (this.pointer !== null) {
      // The first finger draws. But a hand that rested there before its pen came has drawn nothing.
      if (event.pointerType !== "pen" || this.kind !== "touch") return;
      this.discard();
    }
    this.begun = 0;
    this.canvas.setPointerCapture(event.pointerId);
    this.pointer = event.pointerId;
    this.kind = event.pointerType;
    this.listener.down(event);
    this.last = this.place(event);
    this.begin(this.last);
  }

  move(event) {
    if (event.pointerId !== this.pointer) return;
    if (!(event.buttons & 1)) return this.lift(); // a menu or another window got the release
    // All places that the pen passed since the last frame. Events made by scripts have none.
    const passed = event.getCoalescedEvents?.() ?? [];
    const added = [];
    for (const point of (passed.length ? passed : [event]).map((one) => this.place(one))) {
      const before = this.last;
      const inside = this.contains(point);
      this.last = point;
      if (this.drawing) {
        added.push(inside ? point : this.crossing(before, point));
        if (inside) continue;
        this.extend(added.splice(0));
        this.end(); // the pen leaves the pad
      } else if (inside) {
        // The pen comes back. If it was here all the time, a key or a button has ended its stroke.
        if (!this.contains(before)) added.push(this.crossing(point, before));
        added.push(point);
        this.begin(added.shift());
      }
    }
    this.extend(added);
  }

  contains([x, y]) {
    return 0 <= x && x <= this.width && 0 <= y && y <= this.height;
  }

  /** The place on the canvas that is nearest to a point. */
  nearest([x, y]) {
    return [Math.min(Math.max(x, 0), this.width), Math.min(Math.max(y, 0), this.height)];
  }

  /** Where the way from a place on the canvas to another place leaves the canvas, or its end. */
  crossing(from, to) {
    const way = to.map((value, axis) => value - from[axis]);
    const shares = this.nearest(to).map((edge, axis) => (edge === to[axis] ? 1 : (edge - from[axis]) / way[axis]));
    // A pointer that was pressed on the canvas' very edge may be a fraction of a pixel beside it.
    const share = Math.max(0, Math.min(1, ...shares));
    return this.nearest(from.map((value, axis) => value + share * way[axis]));
  }
}
