"""Where a product comes from: code version and configuration, for the attributes of every file."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from halochem import __version__
from halochem.config import Config

# How the work is cut up, how long it may take and where it runs: no number in a product depends on it.
WITHOUT_EFFECT = {
    "synthesis": ("chunk_size", "max_jobs", "time_limit", "ispec_dir", "ispec_python", "emulator_dir", "check_stars"),
    "train": ("device", "checkpoint_every", "validate_every"),
}


def config_hash(config: Config, *sections: str) -> str:
    """SHA-256 (first 16 hex digits) of the named sections of the configuration, or of the whole.

    Keys WITHOUT_EFFECT on any product are left out.
    """
    values: dict[str, Any] = config.dump()
    for section, keys in WITHOUT_EFFECT.items():
        for key in keys:
            del values[section][key]
    if sections:
        values = {name: values[name] for name in sections}
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def attributes(config: Config, seed: int, *sections: str) -> dict[str, str]:
    """What every product carries: code version, seed, hash of the configuration that made it."""
    return {
        "halochem_version": __version__,
        "seed": str(seed),
        "config_hash": config_hash(config, *sections),
    }
