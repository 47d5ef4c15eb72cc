"""The catalog: its stars whatever the chunks, its noise, its failed stars, its layout."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import yaml
from observe_files import make

from halochem import config, files
from halochem.files import LABELS
from halochem.observe import catalog, chunks
from halochem.synthesize.turbospectrum import Star
from toy_chunks import WAVELENGTH, Synthesiser, flux_of, labels


@pytest.fixture(scope="module")
def frame():
    return labels(7)


@pytest.fixture(scope="module")
def observed(tmp_path_factory, frame):
    """A catalog of seven stars in three chunks: row 1 by its second try, row 4 failed, row 5 out of the grid."""
    synthesiser = Synthesiser(fails=[frame.teff[1]], fails_twice=[frame.teff[4]], out_of_grid=[frame.teff[5]])
    spectra = make(tmp_path_factory.mktemp("observed"), frame=frame, synthesiser=synthesiser)
    assert spectra.observe() == 0
    return files.read_catalog(spectra.catalog)


def clean(frame) -> np.ndarray:
    names = ["teff", "logg", "feh", "c_fe", "alpha_fe"]
    return np.array([flux_of(Star(*row)) for row in frame[names].itertuples(index=False)])


def contents(path) -> dict[str, tuple]:
    """Every dataset's bytes and attributes, and the root's; not how HDF5 laid them out."""
    found = {}

    def visit(name, item):
        data = item.asstr()[:].tolist() if item.dtype.kind == "O" else item[:].tobytes()
        found[name] = (item.shape, item.dtype, data, dict(item.attrs))

    with h5py.File(path) as file:
        found["/"] = dict(file.attrs)
        file.visititems(lambda name, item: visit(name, item) if isinstance(item, h5py.Dataset) else None)
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_stars_are_the_same_whatever_the_chunk_size(tmp_path, frame, size):
    reference, other = make(tmp_path / "one", frame=frame, size=3), make(tmp_path / "other", frame=frame, size=size)
    assert reference.observe() == other.observe() == 0
    assert contents(other.catalog) == contents(reference.catalog)


def test_stars_are_the_same_whatever_the_order_of_the_chunks(tmp_path, frame):
    spectra = make(tmp_path, frame=frame, size=2)
    assert spectra.observe() == 0
    first = contents(spectra.catalog)
    one, two, three, four = spectra.chunks
    assert spectra.observe(three, one, four, two) == 0
    assert contents(spectra.catalog) == first


def test_stars_are_the_same_in_a_larger_catalog(tmp_path):
    small, large = make(tmp_path / "small", n_stars=4), make(tmp_path / "large", n_stars=9, size=4)
    assert small.observe() == large.observe() == 0
    a, b = (files.read_catalog(spectra.catalog) for spectra in (small, large))
    assert np.array_equal(a.flux, b.flux[:4])
    assert a.labels.equals(b.labels[:4])


def test_another_seed_has_other_noise_and_jitter(tmp_path, frame):
    one, other = make(tmp_path / "3", frame=frame, seed=3), make(tmp_path / "4", frame=frame, seed=4)
    assert one.observe() == other.observe() == 0
    a, b = (files.read_catalog(spectra.catalog) for spectra in (one, other))
    assert np.array_equal(a.flux_clean, b.flux_clean)
    assert not (np.abs(a.flux - b.flux) < 1e-6).all(axis=1).any()
    assert not np.isclose(a.labels["teff_obs"], b.labels["teff_obs"]).any()


def test_clean_flux_is_that_of_the_chunks_but_for_the_rounding(observed, frame):
    good = observed.usable
    assert np.abs(observed.flux_clean[good] - clean(frame)[good]).max() <= 0.5 * catalog.QUANTUM + 1e-7
    assert good.tolist() == [True] * 4 + [False] + [True] * 2


def test_fluxes_are_multiples_of_the_quantum(observed):
    for flux in (observed.flux, observed.flux_clean):
        multiples = flux[observed.usable].astype(float) / catalog.QUANTUM
        assert np.array_equal(multiples, np.round(multiples))
    assert observed.attributes["flux_quantum"] == catalog.QUANTUM == 2.0**-16


def test_noise_has_the_signal_to_noise_ratio_of_each_star(tmp_path):
    """On the normalised flux, the same at every pixel."""
    frame = labels(60)
    spectra = make(tmp_path, frame=frame, size=60)
    assert spectra.observe() == 0
    read = files.read_catalog(spectra.catalog)
    assert read.sigma.dtype == np.float32
    assert read.sigma == pytest.approx(1 / frame["snr"].to_numpy()[:, None], rel=1e-6)
    scaled = (read.flux.astype(float) - read.flux_clean) / read.sigma
    assert scaled.std() == pytest.approx(1.0, abs=5 / np.sqrt(2 * scaled.size))
    assert scaled.mean() == pytest.approx(0.0, abs=5 / np.sqrt(scaled.size))
    per_star = scaled.std(axis=1)
    assert np.abs(per_star - 1).max() < 5 / np.sqrt(2 * len(WAVELENGTH))
    # Not larger where the flux is low.
    low = read.flux_clean < np.median(read.flux_clean)
    assert scaled[low].std() == pytest.approx(scaled[~low].std(), rel=0.1)


def test_failed_star_is_kept_with_nan(observed, frame):
    assert observed.status.tolist() == [0, 1, 0, 0, 2, 0, 0]
    assert observed.labels["star_id"].tolist() == frame["star_id"].tolist()
    for flux in (observed.flux, observed.flux_clean):
        assert np.isnan(flux[4]).all()
        assert np.isfinite(flux[observed.usable]).all()
    assert np.isfinite(observed.labels.loc[4, "teff_obs"])
    with h5py.File(observed.path) as file:
        assert file["status_reason"].asstr()[4].startswith("bsyn: exit status 1")
        assert file["status_reason"].asstr()[1] == "flux is not finite"


def test_out_of_grid_and_its_note(observed):
    assert observed.out_of_grid.tolist() == [False] * 5 + [True, False]
    with h5py.File(observed.path) as file:
        assert file["atmosphere_note"].asstr()[:].tolist() == [""] * 5 + ["logg 5 for 5.7", ""]


def test_labels_are_kept_to_the_last_bit_and_the_jittered_follow(observed, frame):
    assert list(observed.labels) == [*LABELS, "logg_obs", "teff_obs"]
    assert observed.labels[list(LABELS)].equals(frame)
    relative = observed.labels["teff_obs"] / frame["teff"] - 1
    assert 0 < relative.abs().max() < 0.1


def test_jitter_of_the_configuration(tmp_path, frame):
    spectra = make(tmp_path, frame=frame)
    (tmp_path / "c.yaml").write_text(yaml.safe_dump({"observe": {"jitter": 0.0}}))
    assert spectra.observe(config=tmp_path / "c.yaml") == 0
    read = files.read_catalog(spectra.catalog)
    assert read.labels["logg_obs"].equals(read.labels["logg"].rename("logg_obs"))
    assert read.attributes["jitter"] == "0"


def test_attributes_say_where_it_comes_from(observed):
    names = {"seed": "3", "engine": "toy", "resolution": "2200", "jitter": "0.02", "schema_version": 1}
    assert {name: observed.attributes[name] for name in names} == names
    assert len(observed.attributes["config_hash"]) == 16
    assert "first_row" not in observed.attributes
    assert observed.seed == 3


def test_compression_level_changes_no_value(tmp_path, frame):
    spectra = make(tmp_path, frame=frame)
    found, wavelength = chunks.survey(spectra.chunks, frame, spectra.labels)
    read = []
    for level in (0, 9):
        observe = config.Observe(compression=level)
        catalog.write(tmp_path / f"{level}.h5", frame, found, wavelength, observe, 3, {"seed": "3"})
        read.append(files.read_catalog(tmp_path / f"{level}.h5"))
    assert np.array_equal(read[0].flux, read[1].flux)


def test_interrupted_write_leaves_the_old_catalog(tmp_path, frame, monkeypatch):
    spectra = make(tmp_path, frame=frame)
    assert spectra.observe() == 0
    before = spectra.catalog.read_bytes()

    def killed(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(catalog.chunk_files, "read", killed)
    assert spectra.observe() == 130
    assert spectra.catalog.read_bytes() == before
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".part"]
