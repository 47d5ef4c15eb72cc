"""Hostile HDF5: bytes of catalogs changed, catalogs of another build, and chunks."""

from __future__ import annotations

import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from hostile import cases, mutated, survives
from hypothesis import given
from hypothesis import strategies as st

from halochem import files
from halochem.observe import chunks
from halochem.synthesize import chunk

sys.path.append(str(Path(__file__).parents[1]))
import toy_chunks

N_STARS, N_PIXELS = 5, 60
ARRAYS = {
    "wavelength": toy_chunks.WAVELENGTH,
    "flux": np.ones((N_STARS, N_PIXELS), np.float32),
    "flux_clean": np.ones((N_STARS, N_PIXELS), np.float32),
    "sigma": np.ones((N_STARS, 1), np.float32),
    "mask": np.zeros((N_STARS, N_PIXELS), bool),
    "status": np.zeros(N_STARS, np.uint8),
    "out_of_grid": np.zeros(N_STARS, bool),
    "labels/star_id": np.array([f"s{i}" for i in range(N_STARS)], bytes),
    "labels/teff": np.full(N_STARS, 5000.0),
    "labels/teff_obs": np.full(N_STARS, 5000.0),
}


def write(path: Path, form: str, arrays: dict = ARRAYS) -> None:
    """A catalog in our form ("v110") or that of a user's h5py ("earliest")."""
    with h5py.File(path, "w", libver=files.HDF5_FORMAT if form == "v110" else "earliest") as file:
        file.attrs.update(schema_version=1, seed="3")
        for name, data in arrays.items():
            packed = {"compression": "gzip", "shuffle": True, "fletcher32": True}
            file.create_dataset(name, data=data, **(packed if data.ndim == 2 and form == "v110" else {}))


class Valid(dict):
    """Files by kind; a case that fails prints no megabyte."""

    def __repr__(self) -> str:
        return "valid files"


def use(path: Path) -> None:
    """All that readers take of a catalog."""
    catalog = files.read_catalog(path)
    with files.open_catalog(path) as on_disk:
        assert np.array_equal(on_disk.usable, catalog.usable)
    assert catalog.seed >= 0


@pytest.fixture(scope="module")
def valid(folder) -> Valid:
    """Bytes of each kind of file."""
    found = Valid()
    for form in ("v110", "earliest"):
        write(folder / form, form)
        found[form] = (folder / form).read_bytes()
    labels = toy_chunks.labels(N_STARS)
    out = folder / "chunk.h5"
    chunk.run(labels, range(N_STARS), toy_chunks.Synthesiser(), toy_chunks.WAVELENGTH, toy_chunks.SETTINGS, out)
    found["chunk"] = out.read_bytes()
    return found


def use_chunk(path: Path) -> None:
    """What `halochem observe` does with a chunk."""
    found, _ = chunks.survey([path], toy_chunks.labels(N_STARS), Path("labels"))
    chunks.read(found[0], found[0].rows)


@cases(0.10)
@given(data=st.data())
def test_mutated_catalog(folder, valid, data):
    form = data.draw(st.sampled_from(["v110", "earliest"]))
    survives(folder / "c.h5", data.draw(mutated(valid[form], text=False)), use)


@cases(0.03)
@given(data=st.data())
def test_mutated_chunk(folder, valid, data):
    survives(folder / "chunk-0.h5", data.draw(mutated(valid["chunk"], text=False)), use_chunk)


KINDS = ("f4", "f8", "i8", "u1", "S5", "?", "c8", h5py.string_dtype(), [("a", "f4"), ("b", "i2")], h5py.ref_dtype)
SHAPES = ((), (0,), (1,), (N_STARS,), (N_PIXELS,), (N_STARS, N_PIXELS), (0, 0), (N_PIXELS, N_STARS), (N_STARS, 1, 1))
ATTRIBUTES = (-1, 2**70, 1.5, "x", "", np.ones((3, 3)), np.nan, h5py.Empty("f"), np.zeros(0), "9" * 5000, b"\xff", True)


NAMES, PLACES = st.sampled_from(list(ARRAYS)), st.integers(0, len(ATTRIBUTES) - 1)
ELSEWHERE = ("link", "soft", "raw", "virtual")


@st.composite
def rebuilt(draw: st.DrawFn) -> list[tuple]:
    """Steps from a valid catalog to a hostile one."""
    step = st.one_of(
        st.tuples(st.just("drop"), NAMES),
        st.tuples(st.just("kind"), NAMES, st.integers(0, len(KINDS) - 1), st.sampled_from(SHAPES)),
        st.tuples(st.just("values"), NAMES, st.sampled_from([np.nan, np.inf, -1.0, 1e38])),
        st.tuples(st.just("attribute"), st.sampled_from(["seed", "schema_version"]), PLACES),
        st.tuples(st.just("huge"), NAMES, st.sampled_from([10**6, 10**12, 2**62])),
        st.tuples(st.just("elsewhere"), NAMES, st.sampled_from(ELSEWHERE)),
        st.tuples(st.just("group"), NAMES),
        st.tuples(st.just("loop")),
    )
    return draw(st.lists(step, min_size=1, max_size=3))


def apply(file: h5py.File, step: tuple) -> None:
    kind, *more = step
    if kind == "attribute":
        try:
            file.attrs[more[0]] = ATTRIBUTES[more[1]]
        except (OverflowError, TypeError, ValueError):
            file.attrs[more[0]] = "18446744073709551616"
        return
    if kind == "loop":
        if "labels/again" not in file:
            file["labels/again"] = file["/"]
        return
    name = more[0]
    if name in file:
        del file[name]
    if kind == "kind":
        file.create_dataset(name, more[2], dtype=KINDS[more[1]])
    elif kind == "values":
        data = ARRAYS[name]
        file[name] = np.full(data.shape, more[1]).astype(data.dtype if data.dtype.kind != "S" else "S3")
    elif kind == "huge":
        shape = (more[1], *ARRAYS[name].shape[1:])
        file.create_dataset(name, shape, dtype="f4", chunks=(1, *ARRAYS[name].shape[1:]), compression="gzip")
    elif kind == "group":
        file.create_group(name)
    elif more[1:] == ["link"]:
        file[name] = h5py.ExternalLink("v110", name)
    elif more[1:] == ["soft"]:
        file[name] = h5py.SoftLink("/nowhere")
    elif more[1:] == ["raw"]:
        file.create_dataset(name, (5,), "u1", external=[("/etc/passwd", 0, 5)])
    elif more[1:] == ["virtual"]:
        layout = h5py.VirtualLayout(ARRAYS[name].shape, "f4")
        layout[...] = h5py.VirtualSource("v110", name, ARRAYS[name].shape)
        file.create_virtual_dataset(name, layout)


@cases(0.04)
@given(steps=rebuilt())
def test_rebuilt_catalog(folder, valid, steps):
    path = folder / "built.h5"
    path.write_bytes(valid["v110"])
    with h5py.File(path, "r+") as file:
        for step in steps:
            apply(file, step)
    survives(path, path.read_bytes(), use)


@pytest.mark.parametrize("where", ELSEWHERE)
@pytest.mark.parametrize("name", ["flux", "labels/teff"])
def test_nothing_is_read_from_elsewhere(folder, valid, name, where):
    """A catalog's own data would be there to be read: it is refused all the same."""
    path = folder / "elsewhere.h5"
    path.write_bytes(valid["v110"])
    with h5py.File(path, "r+") as file:
        apply(file, ("elsewhere", name, where))
    with pytest.raises(files.UserError, match=r"link to elsewhere|in another file"):
        files.read_catalog(path)


def test_whole_ones_are_read(folder, valid):
    for form in ("v110", "earliest"):
        use(folder / form)
    use_chunk(folder / "chunk.h5")
