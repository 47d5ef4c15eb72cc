"""The emulator: a network fitted to direct spectra, and the making of it: design, pack, fit, check."""
