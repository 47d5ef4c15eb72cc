"""Where the user's iSpec is, found without importing it.

iSpec (Blanco-Cuaresma et al. 2014, 2019) is a folder that the user downloads and builds, not an installed
package. PyPI's package of the same name is an unrelated one, helpers around Python's `inspect`: it is told
apart by what lies beside its __init__.py, because importing either has side effects.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from halochem.errors import UserError

# What iSpec's package folder holds beside __init__.py, and nothing else of that name does.
SIGNATURE = ("synth/turbospectrum.py", "atmospheres.py", "COPYING")
BINARIES = ("babsma_lu", "bsyn_lu")
_SET_IT = (
    "set synthesis.ispec_dir or $ISPEC_DIR to the folder of your iSpec (the one that holds ispec/ and synthesizer/)"
)


def is_ispec(package: Path) -> bool:
    """Whether a package folder is iSpec's."""
    return all((package / name).is_file() for name in SIGNATURE)


def importable() -> Path | None:
    """The package folder that `import ispec` would take, without importing it; None if there is none."""
    try:
        spec = importlib.util.find_spec("ispec")
    except ValueError:  # a module of that name, made by hand, is loaded already
        return None
    if spec is None:
        return None
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    return Path(spec.origin) if spec.origin else None


def find_ispec(config_dir: Path | None) -> Path:
    """The folder of the user's iSpec, with a built Turbospectrum in it.

    Looks at `config_dir` (synthesis.ispec_dir), else $ISPEC_DIR, else at what `import ispec` finds. Raises
    UserError if there is none, if it is another package of that name, or if its Turbospectrum is not built.
    """
    named = config_dir or os.environ.get("ISPEC_DIR")
    if named:
        folder = Path(named).expanduser().absolute()
        origin = "synthesis.ispec_dir" if config_dir else "$ISPEC_DIR"
        if not folder.is_dir():
            raise UserError(f"{folder}: no such folder ({origin}); {_SET_IT}")
        if not is_ispec(folder / "ispec"):
            missing = next(name for name in SIGNATURE if not (folder / "ispec" / name).is_file())
            raise UserError(f"{folder}: not iSpec's folder ({origin}), ispec/{missing} is missing; {_SET_IT}")
        return _with_turbospectrum(folder)
    package = importable()
    if package is None:
        raise UserError(f"iSpec is not found; {_SET_IT}, or synthesis.engine to turbospectrum")
    if not is_ispec(package):
        raise UserError(
            f"{package}: not iSpec but an unrelated package of the same name (PyPI's `ispec` is one); "
            f"`pip uninstall ispec`, and {_SET_IT}"
        )
    return _with_turbospectrum(package.parent)


def _with_turbospectrum(folder: Path) -> Path:
    binaries = folder / "synthesizer" / "turbospectrum" / "bin"
    for name in BINARIES:
        if not os.access(binaries / name, os.X_OK):
            raise UserError(
                f"{folder}: iSpec's Turbospectrum is not built, {binaries / name} is missing; "
                f"run `make turbospectrum` in {folder}"
            )
    return folder
