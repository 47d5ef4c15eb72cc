// The selected stars as a table and as CSV, and the numbers of the star in focus.

const ROWS = 100; // more rows than that nobody reads; the CSV has them all
const USUAL = ["feh", "c_fe", "alpha_fe", "teff", "logg", "snr", "relative_l2_clean"];

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// "z_M" with its letter set below the line; other names keep their underscores.
function withSubscripts(text) {
  return text.split(/(?<=\bz)_(M|C|α)/).map((part, k) => (k % 2 ? element("sub", {}, part) : part));
}

function flagsOf(stars, star) {
  const isSet = (q) => q.name.startsWith("flag_") && q.categories[q.values[star]] === "yes";
  return stars.quantities.filter(isSet).map((q) => q.name.replace("flag_", ""));
}

class SelectionTable {
  constructor(root, stars, app) {
    Object.assign(this, { root, data: stars, app, sort: null, descending: false });
    root.addEventListener("click", (event) => {
      const star = event.target.closest("[data-star]");
      const column = event.target.closest("[data-sort]");
      if (star) app.focusOn(Number(star.dataset.star), { pin: true, show: true });
      if (column) this.sortBy(column.dataset.sort);
    });
    root.addEventListener("pointerover", (event) => {
      const row = event.target.closest("tr[data-row]");
      if (row && !app.pinned) app.focusOn(Number(row.dataset.row));
    });
  }

  sortBy(name) {
    this.descending = this.sort === name ? !this.descending : false;
    this.sort = name;
    this.draw(this.selection, this.view);
    this.root.querySelector(`[data-sort="${CSS.escape(name)}"]`).focus();
  }

  columns(view) {
    const names = [view.x, view.y].map((scale) => scale.quantity.name).concat(view.colouring.quantity.name, USUAL);
    return [...new Set(names)].map((name) => this.data.byName.get(name)).filter(Boolean);
  }

  sorted(selection) {
    const stars = Array.from(selection);
    const quantity = this.data.byName.get(this.sort);
    const sign = this.descending ? -1 : 1;
    if (this.sort === "star_id" || !quantity) return stars.sort((a, b) => (a - b) * (this.sort ? sign : 1));
    const known = (star) => isKnown(quantity, star);
    return stars.sort((a, b) => known(b) - known(a) || (known(a) ? sign * (quantity.values[a] - quantity.values[b]) : 0) || a - b);
  }

  draw(selection, view) {
    Object.assign(this, { selection, view });
    const columns = this.columns(view);
    const stars = this.sorted(selection);
    const headings = columns.map((q) => this.heading(q.name, q.title, `${q.name}: ${q.description}`));
    const flags = element("th", { scope: "col", class: "words" }, "flags");
    const head = element("tr", {}, this.heading("star_id", "star", "identifier"), ...headings, flags);
    const rows = stars.slice(0, ROWS).map((star) => this.row(star, columns));
    const table = element("table", { class: "stars" }, element("thead", {}, head), element("tbody", {}, ...rows));
    this.root.replaceChildren(...(stars.length ? [table] : []));
    return rows.length;
  }

  heading(name, title, description) {
    const order = this.sort === name ? (this.descending ? "descending" : "ascending") : "none";
    const arrow = { none: "", ascending: " ▲", descending: " ▼" }[order];
    const words = [...withSubscripts(title), element("span", { "aria-hidden": "true" }, arrow)];
    const button = element("button", { type: "button", "data-sort": name, title: description }, ...words);
    return element("th", { scope: "col", "aria-sort": order }, button);
  }

  row(star, columns) {
    const name = element("button", { type: "button", class: "star", "data-star": star }, this.data.ids[star]);
    const cells = columns.map((q) => element("td", {}, valueText(q, star)));
    const flags = element("td", { class: "words" }, flagsOf(this.data, star).join(", "));
    return element("tr", { "data-row": star }, element("th", { scope: "row" }, name), ...cells, flags);
  }

  // All columns of the product table, numbers to float32's seven digits.
  csv(selection) {
    const columns = this.data.quantities.filter((q) => q.inTable);
    const cell = (q, star) => {
      if (!isKnown(q, star)) return "";
      if (!q.categories.length) return String(Number(q.values[star].toPrecision(7)));
      const text = q.categories[q.values[star]];
      if (q.name.startsWith("flag_")) return text === "yes" ? "true" : "false";
      return text;
    };
    const quote = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    const lines = [["star_id", ...columns.map((q) => q.name)]];
    for (const star of this.sorted(selection)) lines.push([this.data.ids[star], ...columns.map((q) => cell(q, star))]);
    return lines.map((line) => line.map(quote).join(",")).join("\n") + "\n";
  }
}

// Measured beside true, and what the table says of the fit.
function drawCard(root, stars, star) {
  const get = (name) => stars.byName.get(name);
  const has = (name) => get(name) !== undefined && isKnown(get(name), star);
  const text = (name) => (has(name) ? valueText(get(name), star) : "–");
  const labels = ["feh", "c_fe", "alpha_fe", "teff", "logg"].filter(get);
  const row = (title, cell) => {
    const cells = labels.map((name) => element("td", {}, cell(name)));
    return element("tr", {}, element("th", { scope: "row" }, title), ...cells);
  };
  const heads = labels.map((name) => element("th", { scope: "col" }, axisTitle(get(name))));
  const rows = [row("measured", (name) => text(name) + (has(`${name}_sigma`) ? ` ± ${text(`${name}_sigma`)}` : ""))];
  if (labels.some((name) => has(`${name}_true`))) rows.push(row("true", (name) => text(`${name}_true`)));
  const head = element("thead", {}, element("tr", {}, element("td"), ...heads));
  const table = element("table", { class: "card" }, head, element("tbody", {}, ...rows));
  const facts = [
    ["S/N", text("snr")], ["relative L² error", text("relative_l2_clean")], ["reduced χ²", text("chi2_reduced")],
    ["set", text("split")], ["flags", flagsOf(stars, star).join(", ") || "none"],
  ].filter(([, value]) => value !== "–");
  const list = element("p", { class: "small" }, facts.map(([name, value]) => `${name} ${value}`).join(" · "));
  root.replaceChildren(element("h3", {}, stars.ids[star]), element("div", { class: "scroll" }, table), list);
}
