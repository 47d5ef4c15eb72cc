// Thousands of points, quickly. Each colour's mark is drawn once; its pixels are then laid into a buffer for every
// star, which takes a tenth of the time of as many calls of the canvas's own drawImage where no GPU helps.

// Marks of a colouring, as lists of pixels of one canvas `width` device pixels wide.
function makeStamps(colouring, { radius, ratio, width, opacity = 1, outline = null }) {
  const half = Math.ceil((radius * 1.6 + 2) * ratio);
  const size = 2 * half + 1;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return colouring.entries.map(({ colour, shape }) => {
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, size, size);
    context.setTransform(ratio, 0, 0, ratio, half + 0.5, half + 0.5);
    context.globalAlpha = opacity;
    tracePath(context, shape, 0, 0, radius);
    context.fillStyle = colour;
    context.fill();
    if (outline) {
      context.strokeStyle = outline;
      context.lineWidth = 0.8;
      context.stroke();
    }
    const { data } = context.getImageData(0, 0, size, size);
    const filled = [];
    for (let pixel = 0; pixel < size * size; pixel++) if (data[4 * pixel + 3]) filled.push(pixel);
    const offsets = Int32Array.from(filled, (pixel) => 4 * ((Math.floor(pixel / size) - half) * width + (pixel % size) - half));
    const colours = new Uint8Array(4 * filled.length); // multiplied by their opacity
    filled.forEach((pixel, k) => {
      const alpha = data[4 * pixel + 3];
      for (let c = 0; c < 3; c++) colours[4 * k + c] = Math.round((data[4 * pixel + c] * alpha) / 255);
      colours[4 * k + 3] = alpha;
    });
    return { offsets, colours };
  });
}

// The picture of many stamps: `press` each, then `show`.
class Sheet {
  constructor(canvas) {
    this.canvas = canvas;
    this.image = new ImageData(canvas.width, canvas.height);
    this.data = new Uint8Array(this.image.data.buffer);
  }

  press({ offsets, colours }, x, y) {
    const { data } = this;
    const start = 4 * (Math.round(y) * this.canvas.width + Math.round(x));
    for (let k = 0; k < offsets.length; k++) {
      const at = start + offsets[k];
      if (at < 0 || at >= data.length) continue;
      const rest = 255 - colours[4 * k + 3];
      data[at] = colours[4 * k] + ((data[at] * rest + 127) / 255 | 0);
      data[at + 1] = colours[4 * k + 1] + ((data[at + 1] * rest + 127) / 255 | 0);
      data[at + 2] = colours[4 * k + 2] + ((data[at + 2] * rest + 127) / 255 | 0);
      data[at + 3] = colours[4 * k + 3] + ((data[at + 3] * rest + 127) / 255 | 0);
    }
  }

  show() {
    const { data } = this;
    for (let at = 3; at < data.length; at += 4) {
      const alpha = data[at];
      if (alpha === 0 || alpha === 255) continue;
      for (let c = 1; c < 4; c++) data[at - c] = Math.min(255, Math.round((data[at - c] * 255) / alpha));
    }
    this.canvas.getContext("2d").putImageData(this.image, 0, 0);
  }
}
