"""halochem: stellar spectroscopy from synthesis to catalog."""

__version__ = "0.1.0"
