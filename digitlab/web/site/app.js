// The page. It does what the notebooks do: load a network, render the strokes, predict, show.

import { Hand } from "./hand.js";
import { SIZE, renderStrokes } from "./ink.js";
import { Pad } from "./pad.js";
import { loadNetwork, percent, predict, sentence } from "./recognizer.js";

const INTERVAL = 50; // ms, at least, between two predictions while the pen moves
const SHARE = 4; // predicting takes at most a quarter of the time, so that ink flows on slow phones, too
const WARM_UPS = 8; // predictions until the browser has compiled the code as well as it can
const EXAMPLE = [[[0, 0], [100, 80], [20, 200], [0, 0]]]; // a drawing for the warm-up

const element = (id) => document.getElementById(id);
const page = document.documentElement;
const live = element("live");
const seen = element("seen").getContext("2d");
const bars = Array.from(element("bars").children, (row) => ({
  row,
  fill: row.querySelector(".fill"),
  percent: row.querySelector(".percent"),
}));

let network = null;
let hand = null; // set when the network has loaded
let nextReading = 0; // the earliest time for the next reading, by performance.now()

const pad = new Pad(element("pad"), {
  ink() {
    document.body.classList.add("drawn");
    if (live.checked && performance.now() >= nextReading) read(false);
  },
  change() {
    const drawn = pad.drawing.length > 0;
    document.body.classList.toggle("drawn", drawn);
    if (live.checked || !drawn) read();
    else if (hand) show(null, "Press Predict");
  },
});

/** Loads the network. start.js reports what goes wrong before this runs, and what takes long. */
async function load(cache = "default") {
  page.dataset.state = "loading";
  try {
    network = await loadNetwork("model/model.json", { requestInit: { cache }, fetchFunc: fetchUnchanged });
    predict(network, EXAMPLE); // the first one takes longest
    hand = new Hand(network, `digitlab hand ${new URL(".", location)}`); // one for each site of a host
  } catch (error) {
    fail(`The network did not load: ${error.message}.`);
    return;
  }
  element("trouble").hidden = true;
  for (const part of document.querySelectorAll(".teaching")) part.hidden = hand.ask === null;
  showLearned();
  page.dataset.state = "ready";
  performance.mark("ready");
  pad.listener.change();
  warmUp(WARM_UPS);
}

/** Fetches one of the network's files, and rejects any but the one that the page was built with. */
async function fetchUnchanged(address, options) {
  const { integrity } = document.querySelector(`link[href="${address}"]`).dataset;
  try {
    return await fetch(address, { ...options, integrity });
  } catch {
    const response = await fetch(address, { cache: "reload" }).catch(() => null);
    if (response === null) throw new Error(`${address} cannot be reached`);
    if (!response.ok) throw new Error(`${address} is missing (the server says ${response.status})`);
    throw new Error(`${address} is damaged, or not the one that this page was built with`);
  }
}

/** Reads the drawing and shows the result; looks only once while the pen is still drawing. */
function read(drawn = true) {
  if (hand === null) return;
  const begun = performance.now();
  show(predict(network, pad.drawing, hand, drawn)); // hand: what the page has learned from its visitor
  const now = performance.now();
  nextReading = Math.max(begun + INTERVAL, now + (SHARE - 1) * (now - begun));
}

/** Shows a prediction; or, for null, empty bars and a sentence. */
function show(prediction, words = sentence(prediction)) {
  const full = prediction !== null && prediction.reason !== "empty";
  bars.forEach(({ row, fill, percent: text }, digit) => {
    const share = full ? prediction.probabilities[digit] : 0;
    row.classList.toggle("best", full && digit === prediction.digit);
    fill.style.transform = `scaleX(${share})`;
    if (text.textContent !== percent(share)) text.textContent = percent(share); // most are 0 %, and stay so
  });
  const pixels = seen.createImageData(SIZE, SIZE);
  for (let i = 0; i < SIZE * SIZE; i++) {
    pixels.data.fill(full ? Math.round(255 * prediction.image[i]) : 0, 4 * i, 4 * i + 3);
    pixels.data[4 * i + 3] = 255;
  }
  seen.putImageData(pixels, 0, 0);
  if (element("sentence").textContent !== words) element("sentence").textContent = words; // screen readers may say it again
  document.body.classList.toggle("quiet", !full || prediction.digit === null);
}

/** Says what is wrong, and offers to try again. */
function fail(text) {
  show(null, "I cannot read");
  element("trouble").firstElementChild.textContent = text;
  element("trouble").hidden = element("retry").hidden = false;
  page.dataset.state = "trouble";
}

function retry() {
  element("pad").focus({ preventScroll: true }); // its button disappears
  element("trouble").hidden = true;
  show(null, "Loading …");
  load("reload");
}

/** Predicts a few times while the browser is idle, so that the first strokes are read as fast as later ones. */
function warmUp(times) {
  if (times === 0) return;
  const idle = globalThis.requestIdleCallback ?? ((callback) => setTimeout(callback, 50));
  idle(() => {
    predict(network, EXAMPLE, hand);
    warmUp(times - 1);
  });
}

/** Does what a button or a key asks for: "unlearn", "forget", or to learn the drawing as a digit. */
function teach(action) {
  if (!hand?.ask) return;
  pad.lift();
  if (action === "unlearn") hand.keep(-1);
  else if (action === "forget") hand.keep(0);
  else if (pad.drawing.length > 0) hand.add(renderStrokes(pad.drawing), Number(action));
  else return show(null, "Draw a digit first");
  showLearned();
  read();
}

function showLearned() {
  const count = hand.examples.length;
  const learned = `${count} learned${hand.kept ? " from you" : ", until this page closes"}`;
  element("learned").textContent = count > 0 ? learned : "nothing learned yet";
}

/** Whether the browser can share pictures with other apps. */
function canShare(picture = new File([], "digit.png", { type: "image/png" })) {
  return navigator.canShare?.({ files: [picture] }) ?? false;
}

/** Shares the drawing as a picture with another app, or saves it as a file. */
async function share() {
  const content = await new Promise((done) => element("pad").toBlob(done));
  const picture = new File([content], "digit.png", { type: content.type });
  if (canShare(picture)) {
    await navigator.share({ files: [picture] }).catch(() => {}); // people may close the list and pick nothing
  } else {
    save(picture);
  }
}

function save(file) {
  const link = document.createElement("a");
  Object.assign(link, { href: URL.createObjectURL(file), download: file.name }).click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // long after the download has begun
}

/** Keeps the page in the browser, to work without a network connection, where the browser can. */
async function keepForOffline() {
  try {
    const workers = navigator.serviceWorker; // in a sandboxed frame this throws
    if (!workers) return; // the page came by http and not from this machine
    const registration = await workers.register("sw.js");
    // A new version of the page takes over now, or at the next visit if it would take a drawing away.
    const drawn = () => pad.drawing.length > 0;
    const update = () => drawn() || registration.waiting?.postMessage("take over");
    workers.addEventListener("controllerchange", () => drawn() || location.reload());
    registration.addEventListener("updatefound", () => registration.installing.addEventListener("statechange", update));
    update();
    await leaveIfGone(registration);
  } catch (error) {
    console.warn(`This page will not work offline: ${error.message}`);
  }
}

/** Stops keeping the page if the server no longer has it; otherwise visitors would never see what replaced it. */
async function leaveIfGone(registration) {
  const response = await fetch("sw.js", { cache: "no-store" }).catch(() => null); // null: offline
  const missing = [404, 410].includes(response?.status);
  // Some hosts send a page for a missing file. A redirect may lead to a login.
  const replaced = response?.ok && !response.redirected && !/javascript/.test(response.headers.get("Content-Type"));
  if (!missing && !replaced) return;
  await registration.unregister();
  if (pad.drawing.length === 0) location.reload();
}

async function start() {
  const first = !page.dataset.state; // start.js has said nothing yet
  const style = document.querySelector("link[rel=stylesheet]");
  if (!getComputedStyle(page).getPropertyValue("--page")) await new Promise((done) => style.addEventListener("load", done));
  if (first) element("trouble").hidden = true;
  element("retry").onclick = retry;
  await load();
  await keepForOffline();
}

for (const action of ["undo", "redo", "clear"]) element(action).addEventListener("click", () => pad[action]());
element("predict").addEventListener("click", () => {
  pad.lift();
  read();
});
element("share").addEventListener("click", share);
if (canShare()) element("share").textContent = "Share drawing";
for (const button of document.querySelectorAll("#teaching [value]")) button.addEventListener("click", () => teach(button.value));
document.querySelector("main").addEventListener("keydown", ({ key, ctrlKey, metaKey, altKey, repeat }) => {
  if (/^[0-9]$/.test(key) && !(ctrlKey || metaKey || altKey || repeat)) teach(key);
});
element("export").addEventListener("click", () => hand && save(new File([hand], "hand.json", { type: "application/json" })));
addEventListener("storage", ({ key }) => {
  if (!hand || (key !== null && key !== hand.name)) return; // null: everything was cleared
  hand.load(); // the page is open twice, and has learned in the other window
  showLearned();
  pad.listener.change();
});
live.addEventListener("change", () => pad.listener.change());
start();
