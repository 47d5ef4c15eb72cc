"""iSpec in a process of its own: told what to load, then one star after the other (see ispec_pool.py).

A script, not a module: it runs under the interpreter that has iSpec's dependencies, which may have nothing of
halochem, so it imports the standard library, NumPy and iSpec alone. Importing iSpec compiles code into the home folder,
takes over the root logger and writes into the working folder; its synthesis changes the working folder. All of that
stays in this process and below the folders it is given, which vanish with it.

One JSON object a line comes in on stdin and goes out on stdout: first the settings, answered by {"ready": ...} or
{"fault": ...}; then {"star": ..., "out": file}, answered by a {"piece": number} after each run of iSpec, then
{"note": ...} or {"failed": reason}, with the flux in the file (.npy). `--versions` instead prints what the interpreter
has.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import queue
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

# What iSpec imports for a synthesis, by the names of import.
NEEDED = ("numpy", "scipy", "pandas", "astropy", "matplotlib", "Cython", "h5py", "hdf5plugin", "lockfile")
CARBON = 6
# iSpec's names of a model's labels, and ours.
LABELS = {"teff": "teff", "logg": "logg", "MH": "feh", "alpha": "alpha_fe"}


class Fault(Exception):
    """Something in the user's iSpec or interpreter that no star can be computed with."""


def fault_of_interpreter() -> str:
    """What this interpreter lacks for iSpec; "" if nothing. Imports none of it."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        return f"lacks {', '.join(missing)}, which iSpec imports"
    version = importlib.metadata.version("pandas")
    if int(version.partition(".")[0]) >= 3:
        # Where iSpec copies the closest model, the structure becomes garbage without an error.
        return f"has pandas {version}, with which iSpec garbles atmospheres; it needs one below 3"
    return ""


class Tail:
    """Stands for sys.stdout: keeps the last that iSpec printed, what bsyn said before it failed among it."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text = (self.text + text)[-4000:]
        return len(text)

    def flush(self) -> None:
        pass

    def last_words(self) -> str:
        rows = [row.strip(" '\"") for row in self.text.replace("\\n", "\n").splitlines()]
        rows = [row for row in rows if row]
        telling = [row for row in rows if "stop" in row.lower() or "error" in row.lower()]
        return (telling or rows or ["no output"])[-1][:120]


class Worker:
    """iSpec with its grid, lists and abundances loaded."""

    def __init__(self, settings: dict) -> None:
        fault = fault_of_interpreter()
        if fault:
            raise Fault(fault)
        self.settings = settings
        self.home = Path(settings["private"])
        self.shared = Path(settings["shared"])
        self.ispec = self._import()
        # iSpec runs bsyn under `timeout` where there is one, in a process group that ends with neither us nor ours.
        # Whatever it runs it runs by its full path.
        os.environ["PATH"] = ""
        self.grid = self.ispec.load_modeled_layers_pack(str(self._grid_folder()))
        unknown = [name for name in self.grid[1] if name not in LABELS]
        if unknown:
            raise Fault(f"{settings['atmospheres']}: parameters {', '.join(unknown)} beside teff, logg, MH, alpha")
        self.abundances = self.ispec.read_solar_abundances(settings["abundances"])
        self.isotopes = self.ispec.read_isotope_data(settings["isotopes"])
        self.lines, self.range = self._lines()

    def _import(self):
        os.environ.update(HOME=str(self.shared / "home"), MPLCONFIGDIR=str(self.shared / "home"), MPLBACKEND="Agg")
        os.environ.pop("XDG_CONFIG_HOME", None)
        os.environ.pop("XDG_CACHE_HOME", None)
        (self.shared / "home").mkdir(exist_ok=True)
        os.chdir(self.home)
        sys.path.insert(0, self.settings["ispec"])
        try:
            import ispec
        except ImportError as error:
            raise Fault(f"cannot import iSpec ({error})") from None
        import logging

        for handler in logging.getLogger().handlers[:]:
            logging.getLogger().removeHandler(handler)
        logging.getLogger().setLevel(logging.ERROR)
        return ispec

    def _grid_folder(self) -> Path:
        """The grid as iSpec may use it: it writes a cache beside parameters.tsv, here into a folder of ours.

        The name stays, for iSpec takes a grid as MARCS by the letters in its path.
        """
        source = Path(self.settings["atmospheres"])
        folder = self.shared / "atmospheres" / source.name
        if not folder.is_dir():
            folder.mkdir(parents=True)
            shutil.copyfile(source / "parameters.tsv", folder / "parameters.tsv")
            cache = source / "cache.dump"
            # iSpec takes a cache of as many models for that of these models: not one older than the grid.
            if cache.is_file() and cache.stat().st_mtime > (source / "parameters.tsv").stat().st_mtime:
                shutil.copyfile(cache, folder / "cache.dump")
            (folder / "grid").symlink_to(source / "grid", target_is_directory=True)
        return folder

    def _lines(self) -> tuple[object, tuple[float, float]]:
        """One line of the list, for its layout, and the list's range [Å]; beside, each piece's list, written once."""
        import numpy as np

        folder = self.shared / "lines"
        if not (folder / "done.npz").is_file():
            folder.mkdir(exist_ok=True)
            lines = self.ispec.read_atomic_linelist(self.settings["line_list"])
            lines = lines[lines["turbospectrum_support"] == "T"]
            if not len(lines):
                raise Fault(f"{self.settings['line_list']}: no line for Turbospectrum in it")
            for number, (first, step, count) in enumerate(self.settings["pieces"]):
                last = first + step * (count - 1)
                inside = (lines["wave_nm"] > first - 2.0) & (lines["wave_nm"] < last + 2.0)
                file = str(folder / f"{number}.bsyn")
                self.ispec.write_atomic_linelist(lines[inside], linelist_filename=file, code="turbospectrum")
            limits = (lines["wave_A"].min(), lines["wave_A"].max())
            np.savez(folder / "done.npz", layout=lines[:1], limits=limits)
        with np.load(folder / "done.npz", allow_pickle=False) as done:
            return done["layout"], tuple(map(float, done["limits"]))

    def run(self, star: dict, out: str, reply: Callable[[dict], None]) -> dict:
        """Compute a star; its flux, of all pieces one after the other, goes to `out`. Tells of each piece done."""
        import numpy as np

        said = sys.stdout = Tail()
        folder = tempfile.mkdtemp(dir=self.home, prefix="star-")
        try:
            target, note = self._target(star)
            layers = self.ispec.interpolate_atmosphere_layers(self.grid, target, code="turbospectrum")
            if not (np.isfinite(layers).all() and (layers[:, [1, 2]] > 0).all()):
                return {"failed": "atmosphere: a layer is not finite and positive"}
            flux = []
            for number in range(len(self.settings["pieces"])):
                flux.append(self._piece(number, star, layers, folder))
                reply({"piece": number})
            np.save(out, np.concatenate(flux))
            return {"note": note}
        except Exception as error:  # iSpec raises bare exceptions for whatever goes wrong
            reason = f"{error or type(error).__name__}"
            return {"failed": f"iSpec: {reason.splitlines()[0][:120]}: {said.last_words()}"}
        finally:
            sys.stdout = sys.stderr
            os.chdir(self.home)
            shutil.rmtree(folder, ignore_errors=True)

    def _piece(self, number: int, star: dict, layers, folder: str):
        import numpy as np

        first, step, count = self.settings["pieces"][number]
        solar = self.abundances["Abund"][self.abundances["code"] == CARBON][0]
        carbon = np.array([(CARBON, solar + star["feh"] + star["c_fe"])], dtype=[("code", int), ("Abund", float)])
        return self.ispec.generate_fundamental_spectrum(
            # Digits that iSpec prints as they are.
            np.round(first + step * np.arange(count), 6),
            layers,
            star["teff"],
            star["logg"],
            star["feh"],
            star["alpha_fe"],
            self.lines,
            self.isotopes,
            self.abundances,
            carbon,
            star["microturbulence"],
            linelist_file=str(self.shared / "lines" / f"{number}.bsyn"),
            code="turbospectrum",
            use_molecules=True,
            tmp_dir=folder,
        )

    def _target(self, star: dict) -> tuple[dict, str]:
        """The labels of the structure, by iSpec's names, and a note on what of them is not as asked ("": nothing).

        Labels past an edge of the grid's box are moved to it. Within the box but between the models' outermost ones
        iSpec would copy the closest, which may be far off in temperature: another [alpha/Fe], else another log g, is
        looked for first with which the structure can be interpolated.
        """
        import numpy as np

        _, names, _, _, _, _, tree, ranges, *_ = self.grid
        asked = {name: star[LABELS[name]] for name in names}
        # A hair within: on the edge itself rounding may put a point outside.
        limits = {name: (ranges[name][0], ranges[name][-1], 1e-7 * np.ptp(ranges[name])) for name in names}
        target = {
            name: float(np.clip(asked[name], low + hair, high - hair)) for name, (low, high, hair) in limits.items()
        }
        closest = self.ispec.atmospheres.model_atmosphere_is_closest_copy
        if closest(self.grid, target):
            for name in [name for name in ("alpha", "logg") if name in names]:
                low, high, hair = limits[name]
                others = np.linspace(low + hair, high - hair, 101)
                for value in others[np.argsort(np.abs(others - target[name]), kind="stable")]:
                    moved = {**target, name: float(value)}
                    if not closest(self.grid, moved):
                        return moved, _note(moved, asked)
            _, nearest = tree.query([target[name] for name in names])
            copied = dict(zip(names, map(float, self.grid[0][nearest]), strict=True))
            return target, f"closest model copied: {_note(copied, asked)}"
        return target, _note(target, asked)


def _note(taken: dict, asked: dict) -> str:
    moved = [name for name in asked if abs(taken[name] - asked[name]) > 1e-4]
    return ", ".join(f"{LABELS[name]} {taken[name]:.4g} for {asked[name]:g}" for name in moved)


def end(shared: str) -> None:
    """The parent is gone: end what runs, remove the folders, and be gone too."""
    os.killpg(0, signal.SIGTERM)  # bsyn; this process has a handler
    for _ in range(20):
        time.sleep(0.05)  # what writes there still may bring a file back
        shutil.rmtree(shared, ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Serve until stdin ends."""
    # This script's folder holds modules whose names others have too.
    here = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != here]
    if sys.argv[1:] == ["--versions"]:
        print(json.dumps({"fault": fault_of_interpreter(), "python": sys.version.split()[0]}))
        return
    signal.signal(signal.SIGTERM, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    replies = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    settings = json.loads(sys.stdin.readline())
    requests: queue.Queue = queue.Queue()

    def listen() -> None:
        for row in sys.stdin:
            requests.put(json.loads(row))
        end(settings["shared"])

    def reply(answer: dict) -> None:
        replies.write(json.dumps(answer) + "\n")
        replies.flush()

    threading.Thread(target=listen, daemon=True).start()
    try:
        worker = Worker(settings)
    except Exception as error:  # of iSpec's reading of its own files as well
        text = str(error) or type(error).__name__
        reply({"fault": text.splitlines()[0]})
        return
    reply({"ready": worker.range})
    while True:
        request = requests.get()
        reply(worker.run(request["star"], request["out"], reply))


if __name__ == "__main__":
    main()
