// The spectrum of one star: flux and residual over the whole range, and below, pixel by pixel, in some windows.

class SpectrumPlot {
  constructor(canvas, header) {
    Object.assign(this, { canvas, header });
    let first = 0;
    this.segments = header.segments.map(({ title, bins, width }) => {
      const segment = { title, first, last: first + bins, width };
      first += bins;
      return segment;
    });
  }

  resize() {
    this.width = Math.max(Math.floor(this.canvas.parentElement.clientWidth), 240);
    this.panels = this.layout();
    const height = this.panels.at(-1).bottom + 34;
    this.ratio = window.devicePixelRatio || 1;
    this.canvas.style.height = `${height}px`;
    this.canvas.width = Math.round(this.width * this.ratio);
    this.canvas.height = Math.round(height * this.ratio);
    this.height = height;
  }

  // The windows stand side by side where there is room, else one below the other.
  layout() {
    const [left, right, gap] = [46, this.width - 8, 10];
    const [whole, ...windows] = this.segments;
    const panels = [{ segment: whole, left, right, top: 20, split: 20 + 130, bottom: 20 + 196 }];
    const columns = this.width >= 480 ? Math.max(windows.length, 1) : 1;
    const width = (right - left - gap * (columns - 1)) / columns;
    windows.forEach((segment, k) => {
      const [row, column] = [Math.floor(k / columns), k % columns];
      const top = 262 + row * 200;
      const from = left + column * (width + gap);
      panels.push({ segment, left: from, right: from + width, top, split: top + 104, bottom: top + 154, inner: column > 0 });
    });
    return panels;
  }

  message(theme, text) {
    const context = this.clear();
    context.fillStyle = theme.soft;
    context.font = "13px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillText(text, this.width / 2, this.height / 2);
  }

  clear() {
    const context = this.canvas.getContext("2d");
    context.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    return context;
  }

  draw(theme, star) {
    const context = this.clear();
    const flux = fluxRange(star);
    // One scale for all windows, whose residuals are there to be compared.
    const [whole, ...windows] = this.panels;
    const largest = Math.max(...windows.map(({ segment }) => residualRange(star, segment)));
    this.drawPanel(context, theme, star, whole, flux, residualRange(star, whole.segment));
    for (const panel of windows) this.drawPanel(context, theme, star, panel, flux, largest);
  }

  drawPanel(context, theme, star, panel, flux, largest) {
    const { segment, left, right, top, split, bottom } = panel;
    const wavelength = this.header.wavelength;
    const [low, high] = [wavelength[segment.first], wavelength[segment.last - 1]];
    const x = (value) => left + ((value - low) / (high - low || 1)) * (right - left);
    const upper = (value) => split - 3 - ((value - flux[0]) / (flux[1] - flux[0])) * (split - 3 - top);
    const lower = (value) => (split + bottom) / 2 - (value / largest) * ((bottom - split) / 2);
    this.shade(context, theme, segment, x, top, split - 3, split, bottom);
    context.save();
    context.beginPath();
    context.rect(left, top, right - left, bottom - top);
    context.clip();
    const noise = star.sigma / Math.sqrt(segment.width);
    context.fillStyle = theme.soft;
    context.globalAlpha = 0.18;
    context.fillRect(left, lower(noise), right - left, lower(-noise) - lower(noise));
    context.globalAlpha = 1;
    const line = (values, y, colour, width) => this.line(context, segment, values, x, y, colour, width);
    if (this.header.base_is_clean) line(star.observed, upper, theme.seen, 1);
    line(star.base, upper, theme.ink, segment.width > 1 ? 1 : 1.3);
    line(star.reconstruction, upper, theme.fit, segment.width > 1 ? 1 : 1.2);
    line(star.residual, lower, theme.fit, 1);
    context.restore();
    this.frame(context, theme, panel, { low, high, x, upper, lower, flux, largest });
  }

  line(context, segment, values, x, y, colour, width) {
    context.beginPath();
    let down = false;
    for (let i = segment.first; i < segment.last; i++) {
      const value = values[i];
      if (value !== value) { down = false; continue; }
      const [px, py] = [x(this.header.wavelength[i]), y(value)];
      if (down) context.lineTo(px, py);
      else context.moveTo(px - 0.5, py); // so that a single pixel of a decoder shows
      if (!down) context.lineTo(px + 0.5, py);
      down = true;
    }
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke();
  }

  shade(context, theme, segment, x, top, split, low, bottom) {
    const wavelength = this.header.wavelength;
    context.globalAlpha = theme.name === "dark" ? 0.28 : 0.22;
    for (let i = segment.first; i < segment.last; i++) {
      const code = this.header.decoder[i];
      let end = i;
      while (end + 1 < segment.last && this.header.decoder[end + 1] === code) end++;
      if (code) {
        const half = (wavelength[Math.min(i + 1, segment.last - 1)] - wavelength[Math.max(i - 1, segment.first)]) / 4;
        const [a, b] = [x(wavelength[i] - half), x(wavelength[end] + half)];
        context.fillStyle = DECODER_COLOURS[code - 1] || OTHER_DECODERS;
        context.fillRect(a, top, b - a, split - top);
        context.fillRect(a, low, b - a, bottom - low);
      }
      i = end;
    }
    context.globalAlpha = 1;
  }

  frame(context, theme, panel, { low, high, x, upper, lower, flux, largest }) {
    const { left, right, top, split, bottom, segment } = panel;
    context.strokeStyle = theme.soft;
    context.lineWidth = 1;
    context.strokeRect(left + 0.5, top + 0.5, right - left - 1, split - 4 - top);
    context.strokeRect(left + 0.5, split + 0.5, right - left - 1, bottom - split - 1);
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = theme.soft;
    context.textBaseline = "top";
    context.textAlign = "center";
    const across = linearTicks(low, high, (right - left) / 75);
    for (const { value, text } of across) {
      const at = x(value);
      const half = context.measureText(text).width / 2;
      if (at - half > left - 8 && at + half < right + 8) context.fillText(text, at, bottom + 5);
      context.fillRect(Math.round(at), bottom - 4, 1, 4);
    }
    context.textAlign = "left";
    context.textBaseline = "bottom";
    const what = segment.width > 1 ? `${segment.title}, means of ${segment.width} pixels` : segment.title;
    context.fillText(shorten(context, what, right - left), left, top - 4);
    if (panel.inner) return;
    context.textAlign = "right";
    context.textBaseline = "middle";
    for (const { value, text } of linearTicks(flux[0], flux[1], 4)) context.fillText(text, left - 5, upper(value));
    const mark = linearTicks(0, 0.92 * largest, 2).filter(({ value }) => value > 0).at(-1);
    for (const value of mark ? [-mark.value, 0, mark.value] : [0]) {
      const text = value === 0 ? "0" : minus(mark.text, value < 0);
      context.fillText(text, left - 5, lower(value));
    }
  }
}

const DECODER_COLOURS = ["#56b4e9", "#e69f00", "#009e73"];
const OTHER_DECODERS = "#cc79a7";

function fluxRange(star) {
  let [low, high] = [Infinity, -Infinity];
  for (let i = 0; i < star.base.length; i++) {
    low = Math.min(low, star.base[i]);
    high = Math.max(high, star.base[i]);
    if (star.reconstruction[i] < low) low = star.reconstruction[i];
    if (star.reconstruction[i] > high) high = star.reconstruction[i];
  }
  const room = Math.max(0.04 * (high - low), 0.02);
  return [low - room, high + Math.max(room, 2.5 * (star.sigma || 0))];
}

function residualRange(star, { first, last, width }) {
  let largest = 0;
  for (let i = first; i < last; i++) if (Math.abs(star.residual[i]) > largest) largest = Math.abs(star.residual[i]);
  return Math.max(1.1 * largest, (1.6 * (star.sigma || 0)) / Math.sqrt(width), 1e-3);
}
