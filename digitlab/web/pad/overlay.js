// Ink without lag: a transparent canvas over the pad's own. It draws what the pen does at once, in
// the browser, and sends the points to the kernel, which draws them on the canvas below. What the
// kernel has drawn there is removed here. So ink follows the pen even while the kernel is busy.
//
// ipycanvas does not work everywhere (in Google Colab, for example). While the canvas below is missing
// or blank, this one is black and shows the whole drawing, which it asks the kernel for.
//
// To the kernel:   {stroke, points: [[x, y], ...], end}   points of a stroke, in pad pixels
//                  {action}                               of a button or a key: "undo", "redo", "teach-7"
//                  {canvas: false}                        the canvas below shows nothing: send the drawing
//                  each with {view, number}, by which the kernel orders them
// From the kernel: {shown: stroke}                        the canvas below shows it now
//                  {drawing: strokes, keep, version}      once asked for, and at each change: strokes that
//                                                         follow the first `keep` ones of the last version
//                  {say: sentence}                        to screen readers

import { PointerInput, drawStroke, prepare, shortcut } from "../pointer.js";

const ACTION = "digitlab-action-"; // begins a button's class, which ends with its action
const LOOK = 250; // milliseconds between checks of the canvas below
const LOOKS = 8; // checks that find nothing before the kernel is asked for the drawing
const ANSWER = 5000; // milliseconds to wait for the drawing before the kernel is asked again

function render({ model, el }) {
  const [width, height] = [model.get("size"), model.get("height")]; // in pad pixels
  const canvas = document.createElement("canvas");
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  canvas.setAttribute("aria-label", `Pad: draw a ${height === width ? "digit" : "number"} with the mouse, a finger or a pen`);
  canvas.setAttribute("aria-keyshortcuts", "Control+Z Control+Y");
  // There from the start, because screen readers announce only changes in an element that was there before.
  const status = document.createElement("div");
  status.className = "digitlab-status";
  status.setAttribute("role", "status");
  el.append(canvas, status);
  const context = canvas.getContext("2d");

  const view = Math.random().toString(36).slice(2); // another view of the pad numbers its strokes, too
  const strokes = new Map(); // name -> points: all that the kernel has not shown yet
  let count = 0;
  let told = 0; // how many messages the kernel has been sent
  let stroke = null; // the name of the stroke under the pen
  let unsent = []; // points of this stroke that the kernel has not been sent
  let timer = null; // until they are sent
  let alone = true; // whether the canvas below shows nothing
  let drawing = []; // the kernel's drawing, if alone
  let version = 0; // of the drawing; 0 before the first
  let looks = 0;
  let asked = null; // when the kernel was asked for the drawing; null once it has sent it

  function redraw() {
    prepare(canvas, context, width, height, model.get("pen_width"));
    context.strokeStyle = "white";
    for (const points of drawing) drawStroke(context, points);
    for (const points of strokes.values()) drawStroke(context, points);
  }

  function tell(message) {
    model.send({ view, number: told++, ...message });
  }

  // The kernel reads 20 times a second: telling it more often would only keep it busy.
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

  // ipycanvas may load late, or draw late while the kernel is busy. Once it draws, it always does.
  function look() {
    if (!el.isConnected) return;
    if (isDrawn(el.parentElement?.querySelector(":scope > canvas"))) {
      clearInterval(looking);
      alone = false;
      drawing = [];
      el.classList.remove("digitlab-alone");
      redraw();
    } else if (++looks === LOOKS) {
      ask();
    }
  }
  el.classList.add("digitlab-alone");
  const looking = setInterval(look, LOOK);

  function ask() {
    if (asked !== null && performance.now() - asked < ANSWER) return;
    asked = performance.now();
    tell({ canvas: false });
  }

  function receiveDrawing({ drawing: added, keep, version: next }) {
    if (!alone) return;
    if (keep === 0) asked = null;
    else if (next !== version + 1) return ask(); // a change was lost, or came before this view
    version = next;
    const onlyMore = keep === drawing.length;
    drawing = [...drawing.slice(0, keep), ...added];
    if (onlyMore) added.forEach((points) => drawStroke(context, points));
    else redraw();
  }

  const input = new PointerInput(canvas, width, height, {
    down({ pointerType }) {
      if (pointerType !== "mouse") canvas.focus({ preventScroll: true }); // a mouse gives it the focus by itself
      if (strokes.size === 0) redraw(); // the window may have been zoomed since
    },
    begin(point) {
      stroke = `${view}-${count++}`;
      strokes.set(stroke, [point]);
      drawStroke(context, [point]);
      unsent = [point];
      send();
    },
    extend(points) {
      const all = strokes.get(stroke);
      drawStroke(context, [all.at(-1), ...points]);
      all.push(...points);
      sendSoon(points);
    },
    end,
    undo: () => tell({ action: "undo" }),
  });

  function end() {
    send(true);
    stroke = null;
  }

  function isHere(event) {
    return el.closest(".digitlab-pad")?.contains(event.target);
  }

  function act(action, event) {
    event.preventDefault();
    event.stopImmediatePropagation();
    if (event.repeat && action.startsWith("teach-")) return; // a key that is held down teaches once
    input.end();
    tell({ action });
  }

  // Sent by ipywidgets, a press may wait for a running cell while strokes do not, and Clear would come
  // after strokes that were drawn later.
  function click(event) {
    if (!isHere(event)) return;
    const names = [...(event.target.closest("button")?.classList ?? [])];
    const name = names.find((name) => name.startsWith(ACTION));
    if (name !== undefined) act(name.slice(ACTION.length), event);
  }

  // A number key says which digit was drawn. JupyterLab would make the cell a heading.
  function lesson({ key, ctrlKey, metaKey, altKey }) {
    const digit = model.get("teaches") && /^\d$/.test(key) && !(ctrlKey || metaKey || altKey);
    return digit ? `teach-${key}` : undefined;
  }

  function keydown(event) {
    const action = isHere(event) ? (shortcut(event) ?? lesson(event)) : undefined;
    if (action !== undefined) act(action, event);
  }
  // On the window, so that these handlers run before the buttons' own, and before JupyterLab's, whose
  // Ctrl+Z undoes changes to cells.
  window.addEventListener("click", click, true);
  window.addEventListener("keydown", keydown, true);

  function receive(message) {
    if ("say" in message) {
      // Emptied first, so that a repeated sentence is announced again.
      status.textContent = "";
      setTimeout(() => (status.textContent = message.say), 50);
      return;
    }
    if ("drawing" in message) {
      receiveDrawing(message);
      return;
    }
    // After this time the canvas below has drawn the stroke, which was sent before this message. Not
    // in animation frames, because a hidden page has none.
    setTimeout(() => {
      if (strokes.delete(message.shown)) redraw();
    }, 100);
  }
  model.on("msg:custom", receive);
  model.on("change:pen_width", redraw);

  // Adds what ipywidgets and ipycanvas lack for people without a mouse.
  function mend() {
    if (el.parentElement === null) return;
    const pad = el.closest(".digitlab-pad");
    // If its kernel goes later, the pad stays, and says so (pad.css).
    if (!pad?.classList.contains("jupyter-widgets-disconnected")) pad?.classList.add("digitlab-connected");
    // The canvas below takes every key, even Tab, so the keyboard must not reach it.
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
    input.end(); // another view of the pad may live on
    clearInterval(looking);
    window.removeEventListener("click", click, true);
    window.removeEventListener("keydown", keydown, true);
    model.off("msg:custom", receive);
    model.off("change:pen_width", redraw);
    changes.disconnect();
    layout.disconnect();
  };
}

/** Whether ipycanvas has drawn on its canvas, whose background it fills first. */
function isDrawn(canvas) {
  if (!canvas?.width || !canvas.height) return false;
  // Reads a copy of one pixel: a canvas that is read directly becomes slow to draw on.
  const copy = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  copy.canvas.width = copy.canvas.height = 1;
  copy.drawImage(canvas, 0, 0);
  return copy.getImageData(0, 0, 1, 1).data[3] > 127;
}

export default { render };
