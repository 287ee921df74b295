// The page: connects the pad, the network and the bars.

import { SIZE } from "./ink.js";
import { loadNetwork } from "./network.js";
import { Pad } from "./pad.js";
import { percent, predict, sentence } from "./recognizer.js";

const INTERVAL = 50; // ms, at least, between two readings while the pen moves
const SHARE = 4; // reading takes at most a quarter of the time, so that ink flows on slow phones, too
const WARM_UPS = 8; // readings until the browser has compiled the network's code

const element = (id) => document.getElementById(id);
const live = element("live");
const seen = element("seen").getContext("2d");
const bars = Array.from(element("bars").children, (row) => ({
  row,
  fill: row.querySelector(".fill"),
  percent: row.querySelector(".percent"),
}));

let network = null;
let nextReading = 0; // the earliest time for it, by performance.now()

const pad = new Pad(element("pad"), {
  ink() {
    document.body.classList.add("drawn");
    if (network && live.checked && performance.now() >= nextReading) show(timed());
  },
  change() {
    document.body.classList.toggle("drawn", pad.strokes.length > 0);
    if (live.checked || pad.strokes.length === 0) read();
    else show(null, "Press Predict");
  },
});

/** Reads the drawing and shows the result. */
function read() {
  if (network) show(timed());
}

function timed() {
  const begun = performance.now();
  const reading = predict(network, pad.drawing);
  const now = performance.now();
  nextReading = Math.max(begun + INTERVAL, now + (SHARE - 1) * (now - begun));
  return reading;
}

/** Shows a reading; or, for null, empty bars and a sentence. */
function show(reading, words = sentence(reading)) {
  const full = reading !== null && reading.reason !== "empty";
  bars.forEach(({ row, fill, percent: text }, digit) => {
    const share = full ? reading.probabilities[digit] : 0;
    row.classList.toggle("best", full && digit === reading.digit);
    fill.style.transform = `scaleX(${share})`;
    text.textContent = percent(share);
  });
  const pixels = seen.createImageData(SIZE, SIZE);
  for (let i = 0; i < SIZE * SIZE; i++) {
    pixels.data.fill(full ? Math.round(255 * reading.image[i]) : 0, 4 * i, 4 * i + 3);
    pixels.data[4 * i + 3] = 255;
  }
  seen.putImageData(pixels, 0, 0);
  say(words, !full || reading.digit === null);
}

function say(words, quiet) {
  element("sentence").textContent = words;
  document.body.classList.toggle("quiet", quiet);
}

/** Loads the network. start.js reports what goes wrong before this runs, and what takes long. */
async function load(cache) {
  const page = document.documentElement;
  const style = document.querySelector("link[rel=stylesheet]");
  const first = !page.dataset.state; // start.js has said nothing yet
  if (!getComputedStyle(page).getPropertyValue("--page")) await new Promise((done) => style.addEventListener("load", done));
  if (first) element("trouble").hidden = true;
  page.dataset.state = "loading";
  element("retry").onclick = () => {
    element("trouble").hidden = true;
    show(null, "Loading …");
    load("reload");
  };
  try {
    network = await loadNetwork("model/model.json", cache);
  } catch (error) {
    show(null, "I cannot read");
    element("trouble").hidden = element("retry").hidden = false;
    element("trouble").firstElementChild.textContent = `The network did not load: ${error.message}.`;
    page.dataset.state = "trouble";
    return;
  }
  element("trouble").hidden = true;
  if (pad.strokes.length > 0) pad.listener.change();
  else read();
  page.dataset.state = "ready";
  performance.mark("ready");
  warmUp(WARM_UPS);
  keepForOffline();
}

/** Reads a few times while the browser is idle, so that the first strokes are read as fast as later ones. */
function warmUp(times) {
  if (times === 0) return;
  const idle = globalThis.requestIdleCallback ?? ((callback) => setTimeout(callback, 50));
  idle(() => {
    predict(network, [[[0, 0], [100, 80], [20, 200], [0, 0]]]);
    warmUp(times - 1);
  });
}

/** Keeps the page in the browser, to work without a network connection, where the browser can. */
async function keepForOffline() {
  try {
    const workers = navigator.serviceWorker; // in a sandboxed frame this raises
    if (!workers) return; // the page came by http and not from this machine
    const before = workers.controller;
    workers.addEventListener("controllerchange", () => {
      // A new version of the page has come. It must not take a drawing away.
      if (before && pad.drawing.length === 0) location.reload();
    });
    await workers.register("sw.js");
  } catch (error) {
    console.warn(`This page will not work offline: ${error.message}`);
  }
}

element("undo").addEventListener("click", () => pad.undo());
element("clear").addEventListener("click", () => pad.clear());
element("predict").addEventListener("click", () => {
  pad.lift();
  read();
});
live.addEventListener("change", () => pad.listener.change());
load();
