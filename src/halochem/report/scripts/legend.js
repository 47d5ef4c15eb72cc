// What the colours mean: a bar with ticks, or a mark for each category with its number of stars.

function drawLegend(root, colouring, counts) {
  const { quantity } = colouring;
  const title = withSubscripts(axisTitle(quantity, colouring.scale));
  root.replaceChildren(element("span", { class: "legend-title" }, ...title));
  if (colouring.continuous) root.append(colourBar(colouring));
  colouring.entries.forEach((entry, k) => {
    if (!counts[k] || !entry.text) return; // the levels of a bar have no text
    root.append(element("span", { class: "legend-entry" }, mark(entry), `${entry.text} (${counts[k]})`));
  });
}

function colourBar(colouring) {
  const stops = Array.from({ length: 17 }, (_, k) => colouring.shade(k / 16));
  const bar = element("span", { class: "bar", style: `background:linear-gradient(to right,${stops.join(",")})` });
  const labels = ticks(colouring.scale, 4).map(({ value, text }) => {
    const share = place(colouring.scale, value);
    return element("span", { class: "tick", style: `left:${(100 * share).toFixed(2)}%` }, text);
  });
  const title = "the ends hold the lowest and the highest 1 % of the stars";
  return element("span", { class: "bar-box", title }, bar, ...labels);
}

function mark({ colour, shape }) {
  const canvas = element("canvas", { class: "mark", "aria-hidden": "true", width: 28, height: 28 });
  const context = canvas.getContext("2d");
  context.scale(2, 2);
  tracePath(context, shape, 7, 7, 4);
  context.fillStyle = colour;
  context.fill();
  return canvas;
}
