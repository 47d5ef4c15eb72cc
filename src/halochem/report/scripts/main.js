// The explorer: what is shown, what is selected, which star is in focus; menus and buttons.

class Explorer {
  constructor(root, stars) {
    this.root = root;
    this.data = stars;
    this.find = (selector) => root.querySelector(selector);
    this.plot = new Scatter(this.find(".plot"), stars);
    this.spectrum = new SpectrumPlot(this.find(".spectrum"), stars.header);
    this.table = new SelectionTable(this.find(".selected-stars"), stars, this);
    this.selection = new Set();
    this.focus = stars.header.focus;
    this.pinned = false;
    this.mode = matchMedia("(pointer: coarse)").matches ? "point" : "rectangle";
    this.window = null; // limits of x and y after a zoom
    this.waiting = new Map(); // work for the next frame, by kind
    this.menus = Object.fromEntries(["x", "y", "colour"].map((name) => [name, this.find(`[name=${name}]`)]));
    this.fillMenus();
    this.show(stars.header.views[0]);
    this.listen();
    attachBrush(this.plot, this);
  }

  // --- menus and buttons

  fillMenus() {
    for (const [name, menu] of Object.entries(this.menus)) {
      const groups = new Map();
      for (const q of this.data.quantities) {
        if (!groups.has(q.group)) groups.set(q.group, element("optgroup", { label: q.group }));
        const title = q.title === q.name ? q.name : `${q.title} (${q.name})`;
        groups.get(q.group).append(element("option", { value: q.name, title: q.description }, title));
      }
      menu.replaceChildren(...groups.values());
      menu.addEventListener("change", () => { if (name !== "colour") this.window = null; this.update(); });
    }
    const views = this.data.header.views.map((view) => {
      const button = element("button", { type: "button" }, ...withSubscripts(view.title));
      button.addEventListener("click", () => { this.show(view); this.update(); });
      return button;
    });
    this.find(".views").append(...views);
    this.find(`[name=mode][value=${this.mode}]`).checked = true;
    this.root.dataset.mode = this.mode;
  }

  show(view) {
    for (const [name, menu] of Object.entries(this.menus)) menu.value = view[name];
    this.window = null;
  }

  listen() {
    const on = (selector, type, what) => this.find(selector).addEventListener(type, what);
    for (const radio of this.root.querySelectorAll("[name=mode]")) {
      radio.addEventListener("change", () => { this.mode = this.root.dataset.mode = radio.value; });
    }
    on("[name=with-spectrum]", "change", () => this.update());
    on("[name=find]", "change", (event) => this.findStar(event.target));
    on(".select-view", "click", () => this.select(this.plot.inside(this.corners())));
    on(".zoom", "click", () => this.zoom());
    on(".whole", "click", () => { this.window = null; this.update(); });
    on(".clear", "click", () => this.clear());
    on(".copy", "click", () => this.copy());
    on(".download", "click", () => this.download());
    new ResizeObserver(() => this.later("size", () => this.resize())).observe(this.find(".plot").parentElement);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.update());
    window.addEventListener("beforeprint", () => { this.update(true); this.plot.flatten(); });
    window.addEventListener("afterprint", () => this.update());
    document.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-show]");
      if (!button) return;
      const star = this.data.ids.indexOf(button.dataset.show);
      if (star < 0) return;
      this.focusOn(star, { pin: true });
      this.root.scrollIntoView({ block: "start" });
      this.plot.layers.overlay.focus({ preventScroll: true });
    });
  }

  // At most one of each kind of work a frame, however fast the pointer's events come.
  later(kind, work) {
    if (this.waiting.size === 0) requestAnimationFrame(() => this.work());
    this.waiting.set(kind, work);
  }

  work() {
    const all = [...this.waiting.values()];
    this.waiting.clear();
    for (const each of all) each();
  }

  // --- drawing

  resize() {
    if (this.plot.box && Math.floor(this.plot.root.clientWidth) === this.plot.box.width) return;
    this.update();
  }

  update(forPrint = false) {
    this.theme = readTheme(forPrint);
    this.plot.resize();
    this.spectrum.resize();
    const [x, y, colour] = ["x", "y", "colour"].map((name) => this.data.byName.get(this.menus[name].value));
    const only = this.find("[name=with-spectrum]").checked;
    const shown = Array.from(this.data.ids.keys()).filter((star) => !only || this.data.slot[star] >= 0);
    const isKiel = /^teff/.test(x.name) && /^logg/.test(y.name); // both run backwards, as everybody draws it
    const limits = this.window ?? { x: extent(x, shown), y: extent(y, shown) };
    this.view = {
      x: makeScale(x, limits.x, isKiel), y: makeScale(y, limits.y, isKiel),
      colouring: makeColouring(colour, shown, this.theme), shown, selection: this.selection,
    };
    this.plot.draw(this.view, this.theme);
    drawLegend(this.find(".legend"), this.view.colouring, this.plot.counts);
    this.plot.drawOverlay(this.focus, null, this.pinned);
    this.drawTable();
    this.drawStar();
    const views = this.data.header.views;
    this.root.querySelectorAll(".views button").forEach((button, k) => {
      const isShown = Object.entries(this.menus).every(([name, menu]) => views[k][name] === menu.value);
      button.setAttribute("aria-pressed", String(isShown));
    });
  }

  drawStar() {
    const star = this.focus;
    drawCard(this.find(".star-card"), this.data, star);
    this.root.dataset.focus = this.data.ids[star];
    const place = this.data.slot[star];
    const drawn = this.spectra && place >= 0;
    const label = drawn ? `Spectrum of ${this.data.ids[star]} with its reconstruction` : "No spectrum shown";
    this.find(".spectrum").setAttribute("aria-label", label);
    this.root.dataset.spectrum = drawn ? this.data.ids[star] : "";
    if (place < 0) this.spectrum.message(this.theme, "The page does not hold this star’s spectrum.");
    else if (!this.spectra) this.spectrum.message(this.theme, "…");
    else this.spectrum.draw(this.theme, unpackSpectrum(this.spectra, place));
  }

  drawTable() {
    const count = this.selection.size;
    const listed = this.table.draw(this.selection, this.view);
    const some = listed < count ? `; the first ${listed} are listed, the CSV has all` : "";
    this.find(".count").textContent = count
      ? `${count} star${count > 1 ? "s" : ""} selected${some}.`
      : "No star selected: draw over stars in the plot.";
    for (const name of ["zoom", "clear", "copy", "download"]) this.find(`.${name}`).disabled = count === 0;
  }

  // --- what the pointer and the keyboard do

  focusOn(star, { pin = false } = {}) {
    if (pin) this.pinned = true;
    if (star === this.focus && !pin) return;
    this.focus = star;
    this.later("focus", () => { this.plot.drawOverlay(this.focus, null, this.pinned); this.drawStar(); });
  }

  clicked(star) {
    this.pinned = star !== null && !(this.pinned && star === this.focus);
    if (star !== null) this.focusOn(star, { pin: this.pinned });
    else if (this.mode !== "point") this.select([]);
    this.later("focus", () => { this.plot.drawOverlay(this.focus, null, this.pinned); this.drawStar(); });
  }

  brushing(path, add) {
    this.later("brush", () => {
      this.plot.drawOverlay(this.focus, path, this.pinned);
      this.plot.drawSelected(new Set([...(add ? this.selection : []), ...this.plot.inside(path)]));
    });
  }

  brushed(path, add) {
    this.select(new Set([...(add ? this.selection : []), ...this.plot.inside(path)]));
  }

  select(stars) {
    this.selection = this.view.selection = new Set(stars);
    this.later("brush", () => {
      this.plot.drawSelected(this.selection);
      this.plot.drawOverlay(this.focus, null, this.pinned);
      this.drawTable();
    });
  }

  toggle(star) {
    const stars = new Set(this.selection);
    if (!stars.delete(star)) stars.add(star);
    this.select(stars);
  }

  clear() {
    this.pinned = false;
    this.select([]);
  }

  corners() {
    const { left, right, top, bottom } = this.plot.box;
    return [[left - 2, top - 2], [right + 2, top - 2], [right + 2, bottom + 2], [left - 2, bottom + 2]];
  }

  zoom() {
    const stars = [...this.selection];
    this.window = { x: extent(this.view.x.quantity, stars), y: extent(this.view.y.quantity, stars) };
    this.update();
  }

  findStar(field) {
    const wanted = field.value.trim();
    const star = this.data.ids.findIndex((id) => id === wanted || id.replace(/^.*-0*(?=\d)/, "") === wanted);
    field.setCustomValidity(star < 0 && wanted ? "No such star in the explorer" : "");
    field.reportValidity();
    if (star >= 0) this.focusOn(star, { pin: true });
  }

  // --- CSV

  async copy() {
    const text = this.table.csv(this.selection);
    try {
      await navigator.clipboard.writeText(text);
    } catch { // not allowed to a page from disk in every browser
      const area = element("textarea", { class: "offscreen" });
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    this.find(".done").textContent = `${this.selection.size} rows copied.`;
  }

  download() {
    const url = URL.createObjectURL(new Blob([this.table.csv(this.selection)], { type: "text/csv" }));
    const link = element("a", { href: url, download: `${this.data.header.catalog}-selection.csv` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
    this.find(".done").textContent = `${this.selection.size} rows saved.`;
  }
}

async function startExplorer() {
  const root = document.getElementById("explorer");
  if (!root) return;
  if (typeof DecompressionStream === "undefined") {
    root.querySelector(".what").append(" This browser is too old for it: it needs one of 2023 or later.");
    return;
  }
  const stars = await readStars();
  root.querySelector(".explorer-body").hidden = false;
  const explorer = new Explorer(root, stars);
  explorer.update();
  explorer.spectra = await readSpectra(stars.header);
  explorer.drawStar();
  root.dataset.ready = "true";
}

startExplorer();
