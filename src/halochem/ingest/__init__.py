"""Spectra from elsewhere, put on the pixels of a model: a catalog that `halochem encode` and `train` read."""
