// Colours that colour-blind readers can tell apart, on light and on dark; categories differ in shape as well.

const LEVELS = 48;
const VIRIDIS = ["#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c", "#28ae80", "#5ec962", "#addc30", "#fde725"];
const SHAPES = ["circle", "triangle", "square", "diamond", "cross"];
// Okabe & Ito (2008); the first is the ordinary case, which stays in the background.
const CATEGORY = {
  light: ["#8b939b", "#0072b2", "#d55e00", "#009e73", "#b0608c", "#b07800"],
  dark: ["#7d868f", "#56b4e9", "#f0803a", "#2fc79a", "#e09ac4", "#e6b23c"],
};
const DIVERGING = {
  light: ["#00507d", "#3d92c4", "#b9bdc1", "#e58a4a", "#a84300"],
  dark: ["#7cc8f5", "#3f8fc0", "#5d646b", "#d97f3f", "#ffb98a"],
};

function parseColour(text) {
  return [1, 3, 5].map((start) => parseInt(text.slice(start, start + 2), 16));
}

function mix(anchors, share) {
  const at = Math.min(Math.max(share, 0), 1) * (anchors.length - 1);
  const k = Math.min(Math.floor(at), anchors.length - 2);
  const [a, b] = [parseColour(anchors[k]), parseColour(anchors[k + 1])];
  return `rgb(${a.map((value, i) => Math.round(value + (at - k) * (b[i] - value))).join(",")})`;
}

// The theme's colours, as the style sheet has them at this moment.
function readTheme(forPrint) {
  const style = getComputedStyle(document.documentElement);
  const isDark = !forPrint && style.getPropertyValue("--dark").trim() === "1";
  if (forPrint) {
    return {
      name: "light",
      ink: "#1d2126", soft: "#5b6570", line: "#d8dde2", paper: "#ffffff",
      accent: "#00568a", fit: "#d55e00", seen: "#aab1b8",
    };
  }
  const colour = (name) => style.getPropertyValue(name).trim();
  return {
    name: isDark ? "dark" : "light",
    ink: colour("--ink"), soft: colour("--soft"), line: colour("--line"), paper: colour("--paper"),
    accent: colour("--blue"), fit: colour("--fit"), seen: colour("--seen"),
  };
}

// How a quantity colours stars: `index(star)` into `entries`, and what the legend needs.
function makeColouring(quantity, stars, theme) {
  const unknown = { colour: theme.line, shape: "circle", text: "not known" };
  if (quantity.categories.length) {
    const colours = CATEGORY[theme.name];
    const look = (k) => ({ colour: colours[k % colours.length], shape: SHAPES[k % SHAPES.length] });
    const entries = quantity.categories.map((text, k) => ({ ...look(k), text }));
    const last = entries.length;
    entries.push(unknown);
    const index = (star) => (isKnown(quantity, star) ? quantity.values[star] : last);
    return { quantity, entries, index, continuous: false };
  }
  // Single extreme stars would leave all others in one colour.
  let [low, high] = quantiles(quantity, stars, 0.01, 0.99);
  const diverging = quantity.group === "Measured minus true";
  if (diverging) [low, high] = [-Math.max(-low, high), Math.max(-low, high)];
  const log = low > 0 && high / low > SPAN_FOR_LOGARITHM;
  const scale = { low: log ? Math.log10(low) : low, high: log ? Math.log10(high) : high, log, quantity };
  if (scale.high <= scale.low) scale.high = scale.low + 1;
  // Of viridis the end that the background swallows is left out.
  const seen = (share) => (theme.name === "dark" ? 0.2 + 0.8 * share : 0.93 * share);
  const shade = (share) => (diverging ? mix(DIVERGING[theme.name], share) : mix(VIRIDIS, seen(share)));
  const entries = Array.from({ length: LEVELS }, (_, k) => ({ colour: shade((k + 0.5) / LEVELS), shape: "circle" }));
  entries.push(unknown);
  const index = (star) => {
    if (!isKnown(quantity, star)) return LEVELS;
    return Math.min(Math.max(Math.floor(place(scale, quantity.values[star]) * LEVELS), 0), LEVELS - 1);
  };
  return { quantity, entries, index, continuous: true, scale, shade };
}

// Corners in radii from the star's place.
const CORNERS = {
  triangle: [[0, -1.25], [1.15, 0.85], [-1.15, 0.85]],
  square: [[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]],
  diamond: [[0, -1.35], [1.35, 0], [0, 1.35], [-1.35, 0]],
};

function tracePath(context, shape, x, y, r) {
  context.beginPath();
  if (shape === "circle") context.arc(x, y, r, 0, 2 * Math.PI);
  else if (CORNERS[shape]) polygon(context, CORNERS[shape].map(([a, b]) => [x + a * r, y + b * r]));
  else {
    context.rect(x - 1.3 * r, y - 0.4 * r, 2.6 * r, 0.8 * r);
    context.rect(x - 0.4 * r, y - 1.3 * r, 0.8 * r, 2.6 * r);
  }
}

function polygon(context, corners) {
  corners.forEach(([x, y], k) => (k ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.closePath();
}
