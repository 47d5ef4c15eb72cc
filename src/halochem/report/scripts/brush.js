// Pointer and keyboard on the plot: hover, click, rectangle, lasso.

const REACH = 14; // CSS pixels from the pointer within which a star is meant
const DRAG = 4; // less is a click

function attachBrush(plot, app) {
  const canvas = plot.layers.overlay;
  let start = null;
  let path = null;
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    start = at(event);
    path = null;
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const here = at(event);
    if (start && app.mode !== "point" && (path || Math.hypot(here[0] - start[0], here[1] - start[1]) > DRAG)) {
      if (app.mode === "rectangle") path = [start, [here[0], start[1]], here, [start[0], here[1]]];
      else (path ??= [start]).push(here);
      app.brushing(path, event.shiftKey);
    } else if (!app.pinned) {
      const star = plot.nearest(...here, REACH);
      if (star !== null) app.focusOn(star);
    }
  });
  const end = (event) => {
    if (!start) return;
    if (path) app.brushed(path, event.shiftKey);
    else if (event.type === "pointerup") app.clicked(plot.nearest(...start, REACH));
    start = path = null;
  };
  canvas.addEventListener("pointerup", end);
  canvas.addEventListener("pointercancel", end);

  const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (steps[event.key]) {
      const middle = plot.nearest(plot.box.width / 2, plot.box.height / 2, Infinity);
      const from = plot.isIn(app.focus) ? app.focus : middle;
      const star = from === app.focus ? plot.next(from, ...steps[event.key]) : from;
      if (star !== null) app.focusOn(star, { pin: true });
    } else if (event.key === "Enter" || event.key === " ") app.toggle(app.focus);
    else if (event.key === "Escape") app.clear();
    else return;
    event.preventDefault();
  });
}
