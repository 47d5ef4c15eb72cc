"""A tiny run of the whole pipeline: once undisturbed, and as often as there are faults with what a fault left."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import yaml
from test_pipeline import REGIONS, reuse_engine
from workflow_project import ROOT, Project, copy_project

from halochem import cli, files

SEED, N_STARS, CHUNK_SIZE = 3, 6, 2
SETTINGS = {
    "seeds": [SEED],
    # A range of temperature and gravity where nothing fails, so that each split has its stars.
    "sample": {"n_stars": N_STARS, "teff": [4800, 6000], "logg": [3.0, 4.8]},
    "spectrum": {"wavelength": [5100, 5400]},
    "synthesis": {"chunk_size": CHUNK_SIZE, "step": 0.1, "margin": 20},
    # Long enough to be killed in the middle.
    "train": {
        "encoder": "mlp",
        "epochs": 150,
        "batch_size": 2,
        "regions": "regions.yaml",
        "device": "cpu",
        "checkpoint_every": 5,
    },
    "encode": {"n_labelled": 4},
}
CHUNKS = tuple(f"results/spectra/halo-{SEED}/chunk-{k}.h5" for k in range(N_STARS // CHUNK_SIZE))
LABELS, CATALOG = f"results/labels/halo-{SEED}.parquet", f"results/catalogs/halo-{SEED}.h5"
MODEL, TABLE = f"results/models/halo-{SEED}", f"results/tables/halo-{SEED}.parquet"
WEIGHTS = f"{MODEL}/weights.safetensors"
LOG = "results/logs"
# What each stage makes, in order.
PRODUCTS = {
    "sample": ("results/labels", "results/figures"),
    "synthesize": ("results/spectra",),
    "observe": ("results/catalogs",),
    "train": ("results/models",),
    "encode": ("results/tables",),
}
# Rules whose result depends on the number of threads, which sums are divided among.
ONE_THREAD = ("train", "encode")
# Waiting threads that spin make a crowded machine slow a hundredfold.
ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
LIMIT = 600  # seconds for any one command


def attempt() -> int:
    """Which of its tries a fault is at: benchmarks/reliability/faults.py counts them, so that moments differ."""
    return int(os.environ.get("HALOCHEM_FAULT_TRY", "0"))


# Of several faults that end alike, one is enough in the tests of every day.
one_of_a_kind = pytest.mark.skipif(
    "HALOCHEM_FAULT_TRY" not in os.environ, reason="another of its kind is tested; `make bench-faults` has all"
)


class Run(Project):
    """The tiny run's folder."""

    def command(self, *targets: str) -> list[str]:
        """The Snakemake that makes these targets on two cores, each job on one."""
        threads = ("--set-threads", *(f"{rule}=1" for rule in ONE_THREAD))
        return [sys.executable, "-m", "snakemake", "--cores", "2", *threads, "--configfile", "test.yaml", *targets]

    def make(self, *targets: str) -> str:
        """Make these targets, which has to go well; returns what Snakemake said."""
        result = self.snakemake(*self.command(*targets)[3:], timeout=LIMIT, environment=ENVIRONMENT)
        assert result.returncode == 0, result.stdout
        return result.stdout

    def start(self, command: list[str], environment: dict | None = None, said=subprocess.PIPE) -> subprocess.Popen[str]:
        """Start a command here, as the leader of a group of processes; both its streams go to `said`."""
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment | (environment or {}),
            text=True,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    @property
    def environment(self) -> dict[str, str]:
        """What `start` starts with."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        return {**os.environ, **ENVIRONMENT, "PYTHONPATH": str(ROOT / "src"), "PATH": path, "NO_COLOR": "1"}

    def stage(self, *words: str, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
        """One stage's command as its rule gives it, behind `prefix`."""
        command = ["timeout", "-k", "5", str(LIMIT), *prefix, sys.executable, "-m", "halochem.cli", *words]
        streams = {"text": True, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.run(command, cwd=self.folder, env=self.environment, **streams)

    def path(self, name: str) -> Path:
        """A file of the run."""
        return self.folder / name

    def log(self, name: str) -> str:
        """A job's log."""
        path = self.folder / LOG / name
        return path.read_text(encoding="utf-8") if path.is_file() else ""


@dataclass(frozen=True)
class Loss:
    """What a disturbed run lacks of the undisturbed one's table."""

    missing: int  # stars
    doubled: int  # stars
    other: int  # stars with another value in any column
    same_file: bool  # byte for byte

    def __str__(self) -> str:
        if not (self.missing or self.doubled or self.other) and self.same_file:
            return "nothing"
        return f"{self.missing} stars missing, {self.doubled} doubled, {self.other} with other values"


def new_run(folder: Path) -> Run:
    """An empty run."""
    run = Run(copy_project(folder).folder)
    reuse_engine(run)
    (run.folder / "regions.yaml").write_text(yaml.safe_dump(REGIONS), encoding="utf-8")
    run.write_config(SETTINGS)
    return run


def on_slurm(run: Run, changes: dict | None = None) -> None:
    """Adapt the profile of a run: one thread a job, as without Slurm, so that sums are taken in the same order."""
    path = run.path("slurm/config.yaml")
    profile = yaml.safe_load(path.read_text(encoding="utf-8"))
    profile["set-threads"] = dict.fromkeys(ONE_THREAD, 1)
    for key, value in (changes or {}).items():
        profile[key] = profile[key] | value if isinstance(value, dict) else value
    path.write_text(yaml.safe_dump(profile), encoding="utf-8")


def run_after(undisturbed: Run, folder: Path, stage: str) -> Run:
    """A run that has come undisturbed to the end of `stage` ("": nothing made yet), and no further."""
    run = new_run(folder)
    if not stage:
        return run
    made = list(PRODUCTS)[: list(PRODUCTS).index(stage) + 1]
    for name in (name for each in made for name in PRODUCTS[each]):
        shutil.copytree(undisturbed.path(name), run.path(name), dirs_exist_ok=True)
    if stage == "encode":
        shutil.copy(undisturbed.path("results/config.yaml"), run.path("results/config.yaml"))
    metadata = ".snakemake/metadata"
    shutil.copytree(undisturbed.path(metadata), run.path(metadata))
    return run


def compare(run: Run, undisturbed: Run) -> Loss:
    """A table against the undisturbed run's."""
    ours, theirs = (pd.read_parquet(one.path(TABLE)).set_index("star_id") for one in (run, undisturbed))
    common = ours.index.unique().intersection(theirs.index)
    pairs = ours[~ours.index.duplicated()].loc[common], theirs.loc[common]
    differs = ~((pairs[0] == pairs[1]) | (pairs[0].isna() & pairs[1].isna())).all(axis=1)
    return Loss(
        missing=len(theirs.index.difference(ours.index)),
        doubled=int(ours.index.duplicated().sum()),
        other=int(differs.sum()) + len(ours.index.difference(theirs.index)),
        same_file=files.sha256(run.path(TABLE)) == files.sha256(undisturbed.path(TABLE)),
    )


def leftovers(run: Run) -> list[str]:
    """What no finished run leaves behind."""
    names = ("*.part", "*.partial", "checkpoint*")
    return [path.relative_to(run.folder).as_posix() for name in names for path in run.path("results").rglob(name)]


def verify(run: Run, *options: str) -> int:
    """`halochem verify` in the run's folder: its exit status."""
    before = Path.cwd()
    os.chdir(run.folder)
    try:
        return cli.main(["verify", *options])
    finally:
        os.chdir(before)


def wait_for(condition: Callable[[], object], what: str, seconds: float = LIMIT / 2, every: float = 0.02) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds:g} s for {what}"
        time.sleep(every)


def processes(*words: str) -> list[int]:
    """The processes whose command line holds all these words."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if all(word in line for word in words):
                found.append(int(entry.name))
    return found


def children(pid: int) -> list[int]:
    """The living descendants of a process, nearest first."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if state[0] != "Z":
                parents.setdefault(int(state[1]), []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        below = parents.get(todo.pop(0), [])
        found += below
        todo += below
    return found


def name_of(pid: int) -> str:
    """A living process's program, else nothing."""
    try:
        begin, _, end = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
    except OSError:
        return ""
    return "" if end.split()[0] in "ZX" else begin.partition("(")[2]
