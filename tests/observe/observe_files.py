"""A label table and its chunks on disk, and the command on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from halochem import cli, files
from halochem.synthesize import chunk
from toy_chunks import SETTINGS, WAVELENGTH, Synthesiser, labels


@dataclass
class Spectra:
    """What `halochem observe` takes."""

    folder: Path
    frame: pd.DataFrame
    chunks: list[Path]

    @property
    def labels(self) -> Path:
        """The label table."""
        return self.folder / "labels.parquet"

    @property
    def catalog(self) -> Path:
        """The catalog to be written."""
        return self.folder / "catalog.h5"

    def observe(self, *spectra: Path, config: Path | None = None) -> int:
        """Run the command, on all chunks unless some are given; returns its exit status."""
        options = ["--labels", self.labels, "--spectra", *(spectra or self.chunks), "--out", self.catalog]
        options += ["--config", config] if config else []
        return cli.main(["observe", *map(str, options)])


def make(
    folder: Path,
    n_stars: int = 7,
    size: int = 3,
    seed: int = 3,
    synthesiser: Synthesiser | None = None,
    settings: dict[str, str] = SETTINGS,
    frame: pd.DataFrame | None = None,
) -> Spectra:
    """Write a label table and its chunks of `size` stars."""
    frame = labels(n_stars, seed) if frame is None else frame
    spectra = Spectra(folder, frame, [])
    folder.mkdir(parents=True, exist_ok=True)
    files.write_labels(frame, spectra.labels, {"seed": str(seed)})
    for k in range(-(-len(frame) // size)):
        path = folder / f"chunk-{k}.h5"
        rows = chunk.rows_of_chunk(len(frame), size, k)
        chunk.run(frame, rows, synthesiser or Synthesiser(), WAVELENGTH, settings | {"seed": str(seed)}, path)
        spectra.chunks.append(path)
    return spectra
