// Ink without lag: a transparent canvas over the pad's own. It draws what the pen does at once, in
// the browser, and sends the points to the kernel, which draws them on the canvas below. What the
// kernel has shown is taken off here. So ink stands under the pen even while the kernel is busy.
//
// To the kernel:   {stroke, points: [[x, y], ...], end}   points of a stroke, in pad pixels
//                  {action}                               a button's, or a key's: "undo" or "redo"
//                  each with {view, number}, by which the kernel puts them in order
// From the kernel: {shown: stroke}                        it stands on the canvas below
//                  {say: sentence}                        to screen readers

const ACTION = "digitlab-action-"; // begins a button's class, which ends with what it does

function render({ model, el }) {
  const canvas = document.createElement("canvas");
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", "Pad: draw a digit with the mouse, a finger or a pen");
  canvas.setAttribute("aria-keyshortcuts", "Control+Z Control+Y");
  // There from the start, for screen readers announce what changes in such a place.
  const status = document.createElement("div");
  status.className = "digitlab-status";
  status.setAttribute("role", "status");
  el.append(canvas, status);
  const context = canvas.getContext("2d");

  const view = Math.random().toString(36).slice(2); // another view numbers its strokes, too
  const strokes = new Map(); // name -> points: all that the kernel has not shown yet
  let count = 0;
  let told = 0; // how many messages the kernel has been sent
  let pointer = null; // the mouse, finger or pen that draws
  let kind = null; // which of them it is
  let stroke = null; // the name of the stroke that it draws
  let unsent = []; // points of it that the kernel has not been told of
  let timer = null; // of their sending

  function place(event) {
    const box = canvas.getBoundingClientRect();
    const scale = model.get("size") / box.width;
    return [(event.clientX - box.left) * scale, (event.clientY - box.top) * scale];
  }

  function draw(points) {
    // A dot first: a line of no length shows no ink.
    context.beginPath();
    context.arc(...points[0], context.lineWidth / 2, 0, 2 * Math.PI);
    context.fill();
    context.beginPath();
    for (const point of points) context.lineTo(...point);
    context.stroke();
  }

  function redraw() {
    // As many pixels as the screen has. Setting them clears the canvas and resets its styles.
    canvas.width = canvas.height = Math.round(canvas.clientWidth * devicePixelRatio);
    const scale = canvas.width / model.get("size");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.fillStyle = context.strokeStyle = "white";
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = model.get("pen_width");
    for (const points of strokes.values()) draw(points);
  }

  function tell(message) {
    model.send({ view, number: told++, ...message });
  }

  // The kernel reads 20 times a second: to tell it more often would keep it busy for nothing.
  function sendSoon(points) {
    unsent.push(...points);
    timer ??= setTimeout(() => send(), 50);
  }

  function send(end = false) {
    clearTimeout(timer);
    timer = null;
    const points = unsent.map((point) => point.map((value) => Math.round(100 * value) / 100));
    unsent = [];
    tell({ stroke, points, end });
  }

  function begin(point) {
    stroke = `${view}-${count++}`;
    strokes.set(stroke, [point]);
    draw([point]);
    unsent = [point];
    send();
  }

  function end() {
    if (stroke === null) return;
    send(true);
    stroke = null;
  }

  function move(event) {
    if (event.pointerId !== pointer) return;
    if (!(event.buttons & 1)) return lift(); // a menu or another window has had the release
    // All places that the pen passed since the last frame. Events made by scripts have none.
    const passed = event.getCoalescedEvents?.() ?? [];
    const size = model.get("size");
    const added = [];
    for (const point of (passed.length ? passed : [event]).map(place)) {
      const inside = point.every((value) => 0 <= value && value <= size);
      if (stroke === null) {
        if (inside) begin(point); // the pen comes back
        continue;
      }
      added.push(point.map((value) => Math.min(Math.max(value, 0), size)));
      if (!inside) {
        extend(added.splice(0));
        end(); // the pen leaves the pad
      }
    }
    extend(added);
  }

  function extend(points) {
    if (points.length === 0) return;
    const all = strokes.get(stroke);
    draw([all.at(-1), ...points]);
    all.push(...points);
    sendSoon(points);
  }

  function lift() {
    end();
    pointer = null;
  }

  function down(event) {
    if (event.button !== 0) return;
    if (pointer !== null) {
      // The first finger draws. But a hand that lay there before its pen has drawn nothing.
      if (event.pointerType !== "pen" || kind !== "touch") return;
      lift();
      tell({ action: "undo" });
    }
    canvas.setPointerCapture(event.pointerId);
    pointer = event.pointerId;
    kind = event.pointerType;
    if (kind !== "mouse") canvas.focus({ preventScroll: true }); // a mouse brings it by itself
    if (strokes.size === 0) redraw(); // the window may have been zoomed since
    begin(place(event));
  }

  const listeners = {
    pointerdown: down,
    pointermove: move,
    lostpointercapture(event) {
      if (event.pointerId === pointer) lift();
    },
  };
  for (const [name, listener] of Object.entries(listeners)) canvas.addEventListener(name, listener);

  function isHere(event) {
    return el.closest(".digitlab-pad")?.contains(event.target);
  }

  function act(action, event) {
    event.preventDefault();
    event.stopImmediatePropagation();
    end();
    tell({ action });
  }

  // On its own way a press may wait for a running cell while strokes do not, and Clear would come
  // after what was drawn later.
  function click(event) {
    if (!isHere(event)) return;
    const names = [...(event.target.closest("button")?.classList ?? [])];
    const name = names.find((name) => name.startsWith(ACTION));
    if (name !== undefined) act(name.slice(ACTION.length), event);
  }

  function keydown(event) {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || !isHere(event)) return;
    const key = event.key.toLowerCase() + (event.shiftKey ? "+shift" : "");
    const action = { z: "undo", y: "redo", "z+shift": "redo" }[key];
    if (action !== undefined) act(action, event);
  }
  // On the window, so that they come before the buttons' own, and before JupyterLab, whose Ctrl+Z
  // undoes changes of cells.
  window.addEventListener("click", click, true);
  window.addEventListener("keydown", keydown, true);

  function receive(message) {
    if ("say" in message) {
      // Emptied first, so that the same sentence is said again.
      status.textContent = "";
      setTimeout(() => (status.textContent = message.say), 50);
      return;
    }
    // By then the canvas below has drawn it: what it draws was sent before this message. Not in
    // frames, which a page that is hidden does not have.
    setTimeout(() => {
      if (strokes.delete(message.shown)) redraw();
    }, 100);
  }
  model.on("msg:custom", receive);
  model.on("change:pen_width", redraw);

  // What ipywidgets and ipycanvas leave undone for those who have no mouse.
  function mend() {
    if (el.parentElement === null) return;
    const pad = el.closest(".digitlab-pad");
    // The canvas below keeps every key to itself, Tab too: nobody may get there with the keyboard.
    for (const other of el.parentElement.querySelectorAll("canvas")) {
      if (other !== canvas && other.tabIndex !== -1) other.tabIndex = -1;
    }
    pad?.querySelector("[role=slider]")?.setAttribute("aria-label", "width of the pen");
  }
  const changes = new MutationObserver(mend);
  const layout = new ResizeObserver(() => {
    if (el.parentElement === null) return;
    redraw();
    mend();
    const whole = el.closest(".digitlab-pad") ?? el.parentElement;
    changes.observe(whole, { subtree: true, childList: true, attributeFilter: ["tabindex"] });
  });
  layout.observe(el);

  model.set("alive", true);
  model.save_changes();

  return () => {
    end(); // another view of the pad may live on
    window.removeEventListener("click", click, true);
    window.removeEventListener("keydown", keydown, true);
    model.off("msg:custom", receive);
    model.off("change:pen_width", redraw);
    changes.disconnect();
    layout.disconnect();
  };
}

export default { render };
