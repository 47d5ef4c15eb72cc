// Axes: from values to pixels, ticks, and numbers as text.

const SPAN_FOR_LOGARITHM = 100;

function extent(quantity, stars) {
  let [low, high] = [Infinity, -Infinity];
  for (const star of stars) {
    const value = quantity.values[star];
    if (!isKnown(quantity, star)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low > high ? [0, 1] : [low, high];
}

// Shares `low` and `high` of the known values lie below the two limits.
function quantiles(quantity, stars, low, high) {
  const known = Float32Array.from(stars.filter((star) => isKnown(quantity, star)), (star) => quantity.values[star]);
  if (!known.length) return [0, 1];
  known.sort();
  const at = (share) => known[Math.round(share * (known.length - 1))];
  return [at(low), at(high)];
}

function makeScale(quantity, [low, high], reversed) {
  const count = quantity.categories.length;
  if (count) return { low: -0.6, high: count - 0.4, log: false, reversed, quantity };
  const log = low > 0 && high / low > SPAN_FOR_LOGARITHM;
  let [a, b] = log ? [Math.log10(low), Math.log10(high)] : [low, high];
  const margin = b > a ? 0.04 * (b - a) : Math.max(Math.abs(a) * 0.05, 0.5);
  [a, b] = [a - margin, b + margin];
  return { low: a, high: b, log, reversed, quantity };
}

// Place of a value on the axis, 0 to 1.
function place(scale, value) {
  const v = scale.log ? Math.log10(value) : value;
  const share = (v - scale.low) / (scale.high - scale.low);
  return scale.reversed ? 1 - share : share;
}

function valueAt(scale, share) {
  const v = scale.low + (scale.reversed ? 1 - share : share) * (scale.high - scale.low);
  return scale.log ? 10 ** v : v;
}

function ticks(scale, about) {
  const { categories } = scale.quantity;
  if (categories.length) return categories.map((text, value) => ({ value, text }));
  if (!scale.log) return linearTicks(scale.low, scale.high, about);
  const found = [];
  const decades = scale.high - scale.low;
  for (let decade = Math.floor(scale.low); decade <= scale.high; decade++) {
    for (const digit of decades > 3 ? [1] : decades > 1.5 ? [1, 3] : [1, 2, 5]) {
      const value = digit * 10 ** decade;
      const v = Math.log10(value);
      if (v >= scale.low && v <= scale.high) found.push({ value, text: shortText(value) });
    }
  }
  return found;
}

function shortText(value) {
  if (value >= 0.01 && value < 1e5) return String(Number(value.toPrecision(3)));
  return minus(value.toExponential(0).replace("e+", "e"));
}

function linearTicks(low, high, about) {
  const rough = (high - low) / Math.max(about, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k++) {
    const value = k * step;
    found.push({ value, text: minus(decimals > 4 ? value.toExponential(1) : Math.abs(value).toFixed(decimals), k < 0) });
  }
  return found;
}

function minus(text, negative) {
  return (negative && !text.startsWith("-") ? "−" : "") + text.replace(/-/g, "−");
}

// About three significant digits, for reading, not for computing.
function numberText(value) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && size < 0.001) return minus(value.toExponential(1));
  return minus(value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : size >= 0.1 ? 3 : 4));
}

function valueText(quantity, star) {
  if (!isKnown(quantity, star)) return "–";
  const value = quantity.values[star];
  if (quantity.categories.length) return quantity.categories[value];
  if (quantity.name.endsWith("_sigma")) return value > 0 && value < 1 ? value.toPrecision(2) : numberText(value);
  if (quantity.unit === "dex") return minus(value.toFixed(2));
  if (quantity.unit === "K" || quantity.name === "snr") return minus(value.toFixed(0));
  return numberText(value);
}

function axisTitle(quantity, scale) {
  const unit = quantity.unit && quantity.unit !== "dex" ? ` [${quantity.unit}]` : "";
  return `${quantity.title}${unit}${scale && scale.log ? " (logarithmic)" : ""}`;
}
