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
export function prepare(canvas, context, size, penWidth) {
  // Setting the size clears the canvas and resets its styles.
  canvas.width = canvas.height = Math.max(Math.round(canvas.clientWidth * devicePixelRatio), 1);
  const scale = canvas.width / size;
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
   * @param {number} size the canvas' side in pad pixels, in which points [x, y] are given
   * @param {{down: function(PointerEvent), begin: function(point), extend: function(points), end: function(),
   *   discard: function()}} listener down: a pointer is pressed; begin, extend, end: of a stroke; discard: the
   *   stroke came from a hand that rests on the screen
   */
  constructor(canvas, size, listener) {
    Object.assign(this, { canvas, size, listener });
    this.drawing = false; // whether a stroke has begun and not ended
    this.pointer = null; // the mouse, finger or pen that draws
    this.kind = null; // which of them it is
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    canvas.addEventListener("lostpointercapture", (event) => event.pointerId === this.pointer && this.lift());
  }

  begin(point) {
    this.drawing = true;
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

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    const scale = this.size / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  }

  down(event) {
    if (event.button !== 0) return;
    if (this.pointer !== null) {
      // The first finger draws. But a hand that rested there before its pen came has drawn nothing.
      if (event.pointerType !== "pen" || this.kind !== "touch") return;
      this.drawing = false;
      this.listener.discard();
    }
    this.canvas.setPointerCapture(event.pointerId);
    this.pointer = event.pointerId;
    this.kind = event.pointerType;
    this.listener.down(event);
    this.begin(this.place(event));
  }

  move(event) {
    if (event.pointerId !== this.pointer) return;
    if (!(event.buttons & 1)) return this.lift(); // a menu or another window got the release
    // All places that the pen passed since the last frame. Events made by scripts have none.
    const passed = event.getCoalescedEvents?.() ?? [];
    const added = [];
    for (const point of (passed.length ? passed : [event]).map((one) => this.place(one))) {
      const inside = point.every((value) => 0 <= value && value <= this.size);
      if (!this.drawing) {
        if (inside) this.begin(point); // the pen comes back
        continue;
      }
      added.push(point.map((value) => Math.min(Math.max(value, 0), this.size)));
      if (!inside) {
        this.extend(added.splice(0));
        this.end(); // the pen leaves the pad
      }
    }
    this.extend(added);
  }
}
