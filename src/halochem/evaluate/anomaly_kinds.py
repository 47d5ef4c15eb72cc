"""How spectra are spoilt, and by what they may stand out."""

from __future__ import annotations

from halochem.evaluate.stars import Columns

NOISE = 0.3  # of the continuum, as in the paper
BLOCK = 100  # pixels, as in the paper
# The paper gives neither: some cosmic rays, each of a pixel.
SPIKES, SPIKE_HEIGHT = 10, (1.0, 5.0)

KINDS = {
    "noise": f"noise of {NOISE * 100:.0f} %",
    "spikes": f"{SPIKES} spikes",
    "zeros": f"{BLOCK} pixels of 0",
    "ones": f"{BLOCK} pixels of 1",
}
# column of the table of anomalies -> title
STATISTICS = {"error": "reconstruction error", "chi2": "reduced χ²", "norm": "‖z‖"}

COLUMNS: Columns = {
    "star_id": ("", "identifier"),
    "kind": ("", f"how its spectrum was spoilt: {', '.join(KINDS)}"),
    "error": ("", "relative L2 error against the spoilt spectrum, decoders' pixels"),
    "chi2": ("", "reduced chi2 of the spoilt spectrum with the catalog's noise, decoders' pixels"),
    "norm": ("", "Euclidean norm of the latents (z_m, z_c, z_alpha)"),
    "seen": ("", "spoilt pixels among the decoders' pixels: where there are none, no residual can tell"),
}
