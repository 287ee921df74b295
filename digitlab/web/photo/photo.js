// The photo with its boxes. A box can be dragged, resized at its lower right corner, and removed; a
// new one is drawn on the photo. With the keyboard: arrows move a box, with Shift they resize it,
// Delete removes it.
//
// To the kernel: {do: "photo", name} with the file in a buffer, {do: "correct", id, box},
// {do: "add", box}, {do: "remove", id}. A box is [left, top, right, bottom] in the photo's pixels.
// From the kernel, after each: {done: true}. Meanwhile it may have moved or removed other boxes, so
// each has an id that it keeps.

const SIDE = 2400; // pixels: larger photos are made smaller, because the size of Jupyter's messages is limited
const MIN_SIDE = 6; // pixels on the screen: a new box smaller than this was a click

function make(tag, name, parent) {
  const element = document.createElement(tag);
  element.className = name;
  parent.append(element);
  return element;
}

/** A photo as a file of moderate size, upright: JPEG, or PNG if it is transparent somewhere. */
async function reduced(file) {
  const bitmap = await createImageBitmap(file); // turns it as its EXIF data says
  const scale = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  const context = canvas.getContext("2d");
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const clear = data.some((value, i) => i % 4 === 3 && value < 255); // the kernel chooses its paper
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, clear ? "image/png" : "image/jpeg", 0.92));
  return blob.arrayBuffer();
}

function render({ model, el }) {
  const root = make("div", "digitlab-photo", el);
  const buttons = make("div", "digitlab-photo-buttons", root);
  const message = make("div", "digitlab-photo-message", root);
  message.setAttribute("role", "status");
  const sheet = make("div", "digitlab-photo-sheet", root);
  const image = make("img", "", sheet);
  image.alt = "the photo";
  const boxes = new Map(); // {element, show} by id, from left to right
  let held = null; // the id of the box that the pointer holds
  let awaited = 0; // how many messages the kernel has not answered yet
  let url = null;
  let chosen = null; // the latest photo

  function send(content, buffers) {
    awaited += 1;
    model.send(content, undefined, buffers);
  }

  function addInput(words, camera) {
    const label = make("label", "", buttons);
    label.append(words);
    const input = make("input", "", label);
    input.type = "file";
    input.accept = "image/*";
    if (camera) input.setAttribute("capture", "environment");
    input.addEventListener("change", async () => {
      const file = input.files[0];
      input.value = ""; // so that the same file can be chosen again
      if (!file) return;
      chosen = file;
      message.textContent = "Reading " + file.name;
      try {
        const content = await reduced(file);
        if (file === chosen) send({ do: "photo", name: file.name }, [content]); // large ones take longer
      } catch {
        if (file === chosen) message.textContent = `Expected a photo, got ${file.name}, which this browser cannot show. Choose a JPEG or PNG file.`;
      }
    });
  }
  addInput("Choose a photo", false);
  // On other devices it would open the same dialogue.
  if (matchMedia("(pointer: coarse)").matches) addInput("Take a photo", true);

  /** Where an event is, in the photo's pixels. */
  function place(event) {
    const [width, height] = model.get("_size");
    const area = image.getBoundingClientRect();
    return [
      Math.min(1, Math.max(0, (event.clientX - area.left) / area.width)) * width,
      Math.min(1, Math.max(0, (event.clientY - area.top) / area.height)) * height,
    ];
  }

  function put(element, box) {
    const [width, height] = model.get("_size");
    element.style.left = `${(100 * box[0]) / width}%`;
    element.style.top = `${(100 * box[1]) / height}%`;
    element.style.width = `${(100 * (box[2] - box[0])) / width}%`;
    element.style.height = `${(100 * (box[3] - box[1])) / height}%`;
  }

  /** Follow the pointer from here until it goes up: `change` makes a box from how far it moved. */
  function drag(event, element, change, done) {
    event.preventDefault();
    event.stopPropagation();
    const start = place(event);
    let box = change(0, 0);
    element.setPointerCapture(event.pointerId);
    const move = (next) => {
      if (next.pointerId !== event.pointerId) return; // another finger
      const [x, y] = place(next);
      box = change(x - start[0], y - start[1]);
      put(element, box);
    };
    const stop = (next) => {
      if (next.pointerId !== event.pointerId) return;
      element.removeEventListener("pointermove", move);
      element.removeEventListener("pointerup", stop);
      element.removeEventListener("pointercancel", stop);
      done(next.type === "pointerup" ? box : null);
    };
    element.addEventListener("pointermove", move);
    element.addEventListener("pointerup", stop);
    element.addEventListener("pointercancel", stop);
  }

  function addBox(id) {
    const element = make("div", "digitlab-photo-box", sheet);
    element.tabIndex = 0;
    element.setAttribute("role", "group");
    element.dataset.lmSuppressShortcuts = "true"; // letters mean other things to Jupyter
    const label = make("b", "", element);
    const corner = make("i", "", element);
    const remove = make("button", "", element);
    remove.textContent = "×";
    let box; // where the kernel has it, or will have it

    const correct = (changed) => {
      held = null;
      if (changed && changed.some((side, i) => side !== box[i])) {
        box = changed;
        send({ do: "correct", id, box });
      }
      put(element, box);
    };
    const moved = (x, y) => {
      const [width, height] = model.get("_size");
      x = Math.min(Math.max(x, -box[0]), width - box[2]); // within the photo
      y = Math.min(Math.max(y, -box[1]), height - box[3]);
      return [box[0] + x, box[1] + y, box[2] + x, box[3] + y];
    };
    const resized = (x, y) => [box[0], box[1], Math.max(box[0] + 1, box[2] + x), Math.max(box[1] + 1, box[3] + y)];
    element.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || event.target === remove || boxes.has(held)) return event.stopPropagation();
      element.focus();
      held = id;
      drag(event, element, event.target === corner ? resized : moved, correct);
    });
    remove.addEventListener("click", () => send({ do: "remove", id }));
    element.addEventListener("keydown", (event) => {
      const step = model.get("_size")[0] / 200;
      const way = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
      if (way) correct((event.shiftKey ? resized : moved)(...way));
      else if (event.key === "Delete" || event.key === "Backspace") send({ do: "remove", id });
      else return;
      event.preventDefault();
      event.stopPropagation(); // these keys mean other things to Jupyter
    });

    function show(state) {
      element.classList.toggle("digitlab-photo-unsure", state.text === "?");
      element.setAttribute("aria-label", `${state.text}, ${state.title}. Arrow keys move it, with Shift they resize it, Delete removes it`);
      element.title = state.title;
      label.textContent = state.text;
      remove.setAttribute("aria-label", `Remove ${state.text}`);
      if (held === id || (box && awaited)) return; // newer than the kernel's
      box = state.box;
      put(element, box);
    }
    return { element, show };
  }

  sheet.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    const [x, y] = place(event);
    const element = make("div", "digitlab-photo-box", sheet);
    const drawn = (dx, dy) => [x + Math.min(0, dx), y + Math.min(0, dy), x + Math.max(0, dx), y + Math.max(0, dy)];
    drag(event, element, drawn, (box) => {
      const { width, height } = element.getBoundingClientRect();
      element.remove();
      if (box && Math.min(width, height) >= MIN_SIDE) send({ do: "add", box });
    });
  });

  function showPhoto() {
    const bytes = model.get("_photo");
    sheet.classList.toggle("digitlab-photo-there", bytes?.byteLength > 0);
    if (url) URL.revokeObjectURL(url);
    url = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
    image.src = url;
  }

  function showBoxes() {
    const states = model.get("_boxes");
    const focused = [...boxes.values()].findIndex(({ element }) => element.contains(document.activeElement));
    const before = [...boxes.keys()];
    const kept = new Map(states.map(({ id }) => [id, boxes.get(id) ?? addBox(id)]));
    for (const [id, { element }] of boxes) if (!kept.has(id)) element.remove();
    boxes.clear();
    kept.forEach((box, id) => boxes.set(id, box));
    for (const state of states) boxes.get(state.id).show(state);
    const order = [...boxes.values()].map(({ element }) => element);
    const active = document.activeElement;
    const follows = (element, i) => !i || order[i - 1].compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING;
    if (held === null && !order.every(follows)) sheet.append(...order); // the order of the Tab key
    if (focused < 0) return;
    if (boxes.has(before[focused])) active.focus();
    else order[Math.min(focused, order.length - 1)]?.focus();
  }

  const showMessage = () => (message.textContent = model.get("message"));
  function finish() {
    awaited = Math.max(0, awaited - 1);
    if (!awaited) showBoxes();
    showMessage();
  }
  showPhoto();
  showBoxes();
  showMessage();
  model.on("change:_photo", showPhoto);
  model.on("change:_boxes", showBoxes);
  model.on("change:message", showMessage);
  model.on("msg:custom", finish);
  return () => {
    model.off("change:_photo", showPhoto);
    model.off("change:_boxes", showBoxes);
    model.off("change:message", showMessage);
    model.off("msg:custom", finish);
    if (url) URL.revokeObjectURL(url);
  };
}

export default { render };
