"""Model atmospheres."""
