"""The pixel grid."""

from __future__ import annotations

import numpy as np

from halochem.config import Spectrum


def pixel_grid(spectrum: Spectrum) -> np.ndarray:
    """Pixel centres in air, Å: float64, shape (p,), equal steps in log10 from the first wavelength.

    The published range and step give 4150 pixels, the last at 10398.2 Å (Signor et al. 2025, Sect. 3).
    """
    first, last = np.log10(spectrum.wavelength)
    # The small number keeps a range that is a whole number of steps from losing its last pixel to rounding.
    count = int(np.floor((last - first) / spectrum.log_step + 1e-9)) + 1
    return 10.0 ** (first + spectrum.log_step * np.arange(count))
