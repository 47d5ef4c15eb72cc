// The page's data: quantities column by column, and the packed spectra (spectra.py says how).

async function unpack(id) {
  const text = atob(document.getElementById(id).textContent.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}

async function readStars() {
  const header = JSON.parse(document.getElementById("explorer-header").textContent);
  const buffer = await unpack("explorer-columns");
  const n = header.ids.length;
  let offset = 0;
  const quantities = header.quantities.map((q) => {
    const bytes = q.categories.length ? n : 4 * n;
    const part = buffer.slice(offset, offset + bytes); // a copy: float32 needs its alignment
    offset += bytes;
    return { ...q, values: q.categories.length ? new Uint8Array(part) : new Float32Array(part) };
  });
  const byName = new Map(quantities.map((q) => [q.name, q]));
  const slot = new Int32Array(n).fill(-1); // place of a star among the spectra
  header.spectra.forEach((star, place) => { slot[star] = place; });
  return { header, n, ids: header.ids, quantities, byName, slot };
}

const UNKNOWN_CATEGORY = 255;

function isKnown(quantity, star) {
  const value = quantity.values[star];
  return quantity.categories.length ? value !== UNKNOWN_CATEGORY : Number.isFinite(value);
}

async function readSpectra(header) {
  const buffer = await unpack("explorer-spectra");
  const m = header.spectra.length;
  const p = header.wavelength.length;
  let offset = 0;
  const take = (Kind, count) => {
    const part = new Kind(buffer, offset, count);
    offset += part.byteLength;
    return part;
  };
  const scale = take(Float32Array, 2 * m);
  const sigma = take(Float32Array, m);
  const low = take(Uint8Array, m * p);
  const high = take(Int8Array, m * p);
  const observed = take(Int8Array, m * p);
  const residual = take(Int8Array, m * p);
  return { header, p, scale, sigma, low, high, observed, residual };
}

// Base (clean flux, or observed where no clean one is known), observed, reconstruction and residual of a star.
function unpackSpectrum(spectra, place) {
  const { p } = spectra;
  const start = place * p;
  const [seenScale, residualScale] = [spectra.scale[2 * place], spectra.scale[2 * place + 1]];
  const star = { sigma: spectra.sigma[place] };
  for (const name of ["base", "observed", "reconstruction", "residual"]) star[name] = new Float32Array(p);
  let steps = 0;
  for (let i = 0; i < p; i++) {
    steps += spectra.high[start + i] * 256 + spectra.low[start + i];
    const base = steps * spectra.header.base_step;
    const seen = spectra.observed[start + i];
    const left = spectra.residual[start + i];
    star.base[i] = base;
    star.observed[i] = seen === -128 ? NaN : base + seen * seenScale;
    star.residual[i] = left === -128 ? NaN : left * residualScale;
    star.reconstruction[i] = base + star.residual[i];
  }
  return star;
}
