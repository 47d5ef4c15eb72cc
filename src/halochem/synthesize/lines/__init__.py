"""Line lists: from the formats of linemake (MOOG) and VALD-based Turbospectrum lists to prepared ones."""
