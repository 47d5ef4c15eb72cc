"""The same seed, whatever the cores and the chunks: the same bytes. Through Slurm: test_slurm.py."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
from fault_runs import CATALOG, ENVIRONMENT, LABELS, N_STARS, SEED, SETTINGS, TABLE, WEIGHTS, Run, compare, new_run

from halochem import files

# How a run is cut up. One thread a job: sums taken in another order are other sums (docs/scale.md says how much).
WAYS = {
    "one job on one core": (N_STARS, ("--cores", "1")),
    "six jobs on two cores": (1, ("--cores", "2", "--set-threads", "train=1", "encode=1")),
}


@pytest.fixture(scope="module", params=WAYS)
def other(request, tmp_path_factory) -> Run:
    """The tiny run of the undisturbed one's stars, cut up in another way."""
    chunk_size, options = WAYS[request.param]
    run = new_run(tmp_path_factory.mktemp("other") / "project")
    synthesis = {**SETTINGS["synthesis"], "chunk_size": chunk_size}
    config = run.write_config({**SETTINGS, "synthesis": synthesis})
    result = run.snakemake(*options, "--configfile", config, TABLE, timeout=600, environment=ENVIRONMENT)
    assert result.returncode == 0, result.stdout
    made = len(list(run.path(f"results/spectra/halo-{SEED}").glob("chunk-*.h5")))
    assert made == -(-N_STARS // chunk_size)
    return run


def contents(run: Run) -> dict[str, np.ndarray]:
    """Every data set and attribute of a run's catalog."""
    found: dict[str, np.ndarray] = {}
    with h5py.File(run.path(CATALOG)) as file:
        found |= {f"attribute {name}": np.asarray(value) for name, value in file.attrs.items()}
        file.visititems(lambda name, item: found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
    return found


@pytest.mark.slow
def test_labels(other, undisturbed):
    assert files.sha256(other.path(LABELS)) == files.sha256(undisturbed.path(LABELS))


@pytest.mark.slow
def test_clean_fluxes_noise_jitter_and_flags(other, undisturbed):
    ours, theirs = contents(other), contents(undisturbed)
    assert ours.keys() == theirs.keys()
    assert {"flux", "flux_clean", "labels/teff_obs", "out_of_grid", "status", "attribute config_hash"} <= ours.keys()
    for name, values in theirs.items():
        assert ours[name].dtype == values.dtype, name
        assert ours[name].tobytes() == values.tobytes() if values.dtype != object else (ours[name] == values).all(), (
            name
        )


@pytest.mark.slow
def test_weights_and_table(other, undisturbed):
    assert files.sha256(other.path(WEIGHTS)) == files.sha256(undisturbed.path(WEIGHTS))
    assert str(compare(other, undisturbed)) == "nothing"


@pytest.mark.slow
def test_another_seed_is_another_catalog(other, tmp_path):
    """That equal bytes are not for want of random numbers."""
    run = new_run(tmp_path / "project")
    config = run.write_config({**SETTINGS, "seeds": [SEED + 1]})
    labels = f"results/labels/halo-{SEED + 1}.parquet"
    result = run.snakemake("--cores", "1", "--configfile", config, labels, environment=ENVIRONMENT)
    assert result.returncode == 0, result.stdout
    ours, theirs = (files.read_labels(one.path(name)) for one, name in ((run, labels), (other, LABELS)))
    assert not (ours["teff"] == theirs["teff"]).any()
