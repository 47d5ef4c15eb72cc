// Words on a canvas.

// A title with what follows "_" set as a subscript: z_M.
function titleText(context, text, x, y) {
  const parts = text.split(/(_[\p{L}\p{N}]+)/u).filter(Boolean);
  const isLatent = parts.length > 1 && /^_/.test(parts[1]) && parts[0].length <= 4;
  if (!isLatent) {
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillText(text, x, y);
    return;
  }
  const font = context.font;
  const small = font.replace(/(\d+)px/, (_, size) => `${Math.round(size * 0.78)}px`);
  const widths = parts.map((part) => {
    context.font = part.startsWith("_") ? small : font;
    return context.measureText(part.replace(/^_/, "")).width;
  });
  let at = x - widths.reduce((sum, width) => sum + width, 0) / 2;
  context.textAlign = "left";
  context.textBaseline = "middle";
  parts.forEach((part, k) => {
    const below = part.startsWith("_");
    context.font = below ? small : font;
    context.fillText(part.replace(/^_/, ""), at, y + (below ? 4 : 0));
    at += widths[k];
  });
  context.font = font;
}

function shorten(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  let short = text;
  while (short.length > 1 && context.measureText(`${short}…`).width > width) short = short.slice(0, -1);
  return `${short}…`;
}

// A tick's label under the plot, kept inside its width.
function labelBelow(context, text, x, box, count) {
  const room = (box.right - box.left) / Math.max(count, 1);
  const shown = count > 1 ? shorten(context, text, Math.max(room - 6, 30)) : text;
  const half = context.measureText(shown).width / 2;
  context.textAlign = "center";
  context.fillText(shown, Math.min(Math.max(x, half), box.width - half), box.bottom + 6);
}
