// The plot of stars: a frame, the points, the selected points, and on top what follows the pointer.

class Scatter {
  constructor(root, stars) {
    this.root = root;
    this.data = stars;
    const names = ["frame", "points", "selected", "overlay"];
    this.layers = Object.fromEntries(names.map((name) => [name, root.querySelector(`canvas.${name}`)]));
    this.px = new Float32Array(stars.n); // CSS pixels; NaN where a star is not in the plot
    this.py = new Float32Array(stars.n);
    this.order = Array.from({ length: stars.n }, (_, star) => star);
    let state = 1; // a fixed shuffle: in the catalog's order, late stars would hide early ones
    for (let k = stars.n - 1; k > 0; k--) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const other = state % (k + 1);
      [this.order[k], this.order[other]] = [this.order[other], this.order[k]];
    }
  }

  resize() {
    const width = Math.floor(this.root.clientWidth);
    const height = Math.round(Math.min(Math.max(0.9 * width, 300), 580));
    this.root.style.height = `${height}px`;
    this.ratio = window.devicePixelRatio || 1;
    for (const canvas of Object.values(this.layers)) {
      canvas.width = Math.round(width * this.ratio);
      canvas.height = Math.round(height * this.ratio);
    }
    this.box = { left: 56, top: 10, right: width - 12, bottom: height - 46, width, height };
  }

  context(name) {
    const context = this.layers[name].getContext("2d");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.box.width, this.box.height);
    return context;
  }

  // Everything anew: after a change of axes, colours, size or theme.
  draw(view, theme) {
    Object.assign(this, { view, theme });
    this.makeRoom();
    this.project();
    this.drawFrame();
    this.drawPoints();
    this.drawSelected(view.selection);
  }

  // Room on the left for the longest label: a number's, or a category's name.
  makeRoom() {
    const context = this.layers.frame.getContext("2d");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.font = "12px system-ui, sans-serif";
    const widths = ticks(this.view.y, 8).map(({ text }) => context.measureText(text).width);
    this.box.left = Math.round(Math.min(Math.max(56, 30 + Math.max(0, ...widths)), 0.4 * this.box.width));
    this.root.dataset.box = [this.box.left, this.box.top, this.box.right, this.box.bottom].join(" ");
  }

  toX(value) { return this.box.left + place(this.view.x, value) * (this.box.right - this.box.left); }
  toY(value) { return this.box.bottom - place(this.view.y, value) * (this.box.bottom - this.box.top); }

  project() {
    const { x, y, shown } = this.view;
    const { left, right, top, bottom } = this.box;
    this.px.fill(NaN);
    this.py.fill(NaN);
    // Stars of one category would fall on one line: they are spread over it, each always to the same place.
    const spread = (quantity, star) => (quantity.categories.length ? (((star * 0.6180339887) % 1) - 0.5) * 0.7 : 0);
    for (const star of shown) {
      if (!isKnown(x.quantity, star) || !isKnown(y.quantity, star)) continue;
      const px = this.toX(x.quantity.values[star] + spread(x.quantity, star));
      const py = this.toY(y.quantity.values[star] + spread(y.quantity, star + 0.5));
      if (px < left - 1 || px > right + 1 || py < top - 1 || py > bottom + 1) continue;
      this.px[star] = px;
      this.py[star] = py;
    }
  }

  drawFrame() {
    const context = this.context("frame");
    const { theme, view, box } = this;
    context.font = "12px system-ui, sans-serif";
    context.lineWidth = 1;
    const across = ticks(view.x, (box.right - box.left) / 90);
    const up = ticks(view.y, (box.bottom - box.top) / 60);
    context.strokeStyle = theme.line;
    context.beginPath();
    for (const { value } of across) {
      const x = Math.round(this.toX(value)) + 0.5; // on a pixel, for a sharp line
      context.moveTo(x, box.top);
      context.lineTo(x, box.bottom);
    }
    for (const { value } of up) {
      const y = Math.round(this.toY(value)) + 0.5;
      context.moveTo(box.left, y);
      context.lineTo(box.right, y);
    }
    context.stroke();
    this.drawGuides(context);
    context.strokeStyle = theme.soft;
    context.strokeRect(box.left + 0.5, box.top + 0.5, box.right - box.left - 1, box.bottom - box.top - 1);
    context.fillStyle = theme.soft;
    context.textBaseline = "top";
    for (const { value, text } of across) labelBelow(context, text, this.toX(value), box, across.length);
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const { value, text } of up) context.fillText(shorten(context, text, box.left - 24), box.left - 6, this.toY(value));
    context.fillStyle = theme.ink;
    context.font = "600 13px system-ui, sans-serif";
    titleText(context, axisTitle(view.x.quantity, view.x), (box.left + box.right) / 2, box.height - 12);
    context.save();
    context.translate(11, (box.top + box.bottom) / 2);
    context.rotate(-Math.PI / 2);
    titleText(context, axisTitle(view.y.quantity, view.y), 0, 0);
    context.restore();
  }

  // The limits of the classes, and the line of equal values where both axes are one label.
  drawGuides(context) {
    const { view, box, theme } = this;
    context.save();
    context.beginPath();
    context.rect(box.left, box.top, box.right - box.left, box.bottom - box.top);
    context.clip();
    context.setLineDash([5, 4]);
    context.strokeStyle = theme.soft;
    context.beginPath();
    const label = (scale) => scale.quantity.name.replace(/_(true|obs)$/, "");
    if (label(view.x) === label(view.y) && !view.x.log && !view.y.log) {
      const [low, high] = [valueAt(view.x, 0), valueAt(view.x, 1)];
      context.moveTo(this.toX(low), this.toY(low));
      context.lineTo(this.toX(high), this.toY(high));
    }
    const limits = { feh: -1, c_fe: 0.7, alpha_fe: 0 };
    if (label(view.x) === "feh" && ["c_fe", "alpha_fe"].includes(label(view.y))) {
      const end = label(view.y) === "c_fe" ? box.top : box.bottom;
      const level = this.toY(limits[label(view.y)]);
      context.moveTo(box.left, level);
      context.lineTo(this.toX(-1), level);
      context.lineTo(this.toX(-1), end);
    }
    context.stroke();
    context.restore();
  }

  radius() { return this.view.shown.length < 300 ? 4.5 : this.view.shown.length < 3000 ? 3 : 2.2; }

  drawPoints() {
    const { view } = this;
    const stamps = this.stamps(0, view.shown.length < 300 ? 0.95 : 0.75, null);
    const sheet = new Sheet(this.layers.points);
    const last = stamps.length - 1;
    const drawn = this.order.filter((star) => this.isIn(star));
    const index = new Uint8Array(this.data.n);
    const counts = new Uint32Array(stamps.length);
    for (const star of drawn) counts[index[star] = view.colouring.index(star)]++;
    this.counts = counts;
    // Of categories the rare are drawn last, on top; what is not known first.
    const rank = (k) => (k === last ? 0 : view.colouring.continuous ? 1 : 1 + drawn.length - counts[k]);
    const ranks = Array.from(counts, (_, k) => rank(k));
    for (const level of [...new Set(ranks)].sort((one, other) => one - other)) {
      for (const star of drawn) if (ranks[index[star]] === level) this.press(sheet, stamps[index[star]], star);
    }
    sheet.show();
  }

  stamps(more, opacity, outline) {
    const { width } = this.layers.points;
    return makeStamps(this.view.colouring, { radius: this.radius() + more, ratio: this.ratio, width, opacity, outline });
  }

  press(sheet, stamp, star) {
    sheet.press(stamp, this.px[star] * this.ratio, this.py[star] * this.ratio);
  }

  drawSelected(selection) {
    this.layers.points.classList.toggle("faded", selection.size > 0);
    if (!selection.size) {
      this.context("selected");
      return;
    }
    const stamps = this.stamps(0.5, 1, selection.size < 400 ? this.theme.ink : null);
    const sheet = new Sheet(this.layers.selected);
    for (const star of selection) {
      if (this.isIn(star)) this.press(sheet, stamps[this.view.colouring.index(star)], star);
    }
    sheet.show();
  }

  // The ring around the star in focus, and the brush while it is drawn.
  drawOverlay(focus, brush, pinned) {
    const context = this.context("overlay");
    const { theme } = this;
    if (brush && brush.length > 1) {
      context.beginPath();
      polygon(context, brush);
      context.fillStyle = theme.accent;
      context.globalAlpha = 0.12;
      context.fill();
      context.globalAlpha = 1;
      context.strokeStyle = theme.accent;
      context.setLineDash([4, 3]);
      context.lineWidth = 1.4;
      context.stroke();
      context.setLineDash([]);
    }
    if (focus === null || !this.isIn(focus)) return;
    for (const [width, colour] of [[4.5, theme.paper], [2, pinned ? theme.fit : theme.ink]]) {
      context.beginPath();
      context.arc(this.px[focus], this.py[focus], this.radius() + 5, 0, 2 * Math.PI);
      context.lineWidth = width;
      context.strokeStyle = colour;
      context.stroke();
    }
  }

  // All layers on one canvas, for the printer: Chromium replays a canvas's drawing on paper, and what one layer clears
  // would take the layers below with it.
  flatten() {
    const flat = this.root.querySelector("canvas.print");
    const { points } = this.layers;
    [flat.width, flat.height] = [points.width, points.height];
    const context = flat.getContext("2d");
    for (const layer of Object.values(this.layers)) {
      context.globalAlpha = layer === points && points.classList.contains("faded") ? 0.22 : 1;
      context.drawImage(layer, 0, 0);
    }
  }

  // Whether a star is in the plot as it is now.
  isIn(star) { return !Number.isNaN(this.px[star]); }

  nearest(x, y, within) {
    let [best, least] = [null, within * within];
    for (let star = 0; star < this.data.n; star++) {
      const distance = (this.px[star] - x) ** 2 + (this.py[star] - y) ** 2;
      if (distance < least) [best, least] = [star, distance];
    }
    return best;
  }

  // The star next to `from` in a direction, those off the line counting as further away.
  next(from, dx, dy) {
    let [best, least] = [null, Infinity];
    for (let star = 0; star < this.data.n; star++) {
      const [x, y] = [this.px[star] - this.px[from], this.py[star] - this.py[from]];
      const [along, off] = [x * dx + y * dy, Math.abs(x * dy - y * dx)];
      const distance = along * along + 4 * off * off;
      if (star !== from && along > 0 && off <= along && distance < least) [best, least] = [star, distance];
    }
    return best;
  }

  inside(corners) {
    const found = [];
    const xs = corners.map(([x]) => x);
    const ys = corners.map(([, y]) => y);
    const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    for (let star = 0; star < this.data.n; star++) {
      const [x, y] = [this.px[star], this.py[star]];
      if (x >= left && x <= right && y >= top && y <= bottom && isInside(corners, x, y)) found.push(star);
    }
    return found;
  }
}

function isInside(corners, x, y) {
  let odd = false;
  for (let i = 0, j = corners.length - 1; i < corners.length; j = i++) {
    const [[xi, yi], [xj, yj]] = [corners[i], corners[j]];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) odd = !odd;
  }
  return odd;
}
