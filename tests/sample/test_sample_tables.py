"""Tables of observed stars as p and q: read in the formats people have, estimated, refused with one line."""

import re

import numpy as np
import pandas as pd
import pytest
from astropy.table import MaskedColumn, Table
from scipy import stats

from halochem import seeds
from halochem.config import Sample
from halochem.errors import UserError
from halochem.sample.halo import combine, default_sources, halo_density
from halochem.sample.tables import StarTable


def gaussian_stars(n, mean=(-1.5, 0.3), sigma=(0.5, 0.2), rho=0.0):
    u = np.array([seeds.normals(2, "stars", star, 2) for star in range(n)])
    u[:, 1] = rho * u[:, 0] + np.sqrt(1 - rho**2) * u[:, 1]
    return pd.DataFrame(np.array(mean) + u * np.array(sigma), columns=["feh", "alpha_fe"])


def write_csv(frame, path):
    frame.to_csv(path, index=False)


def write_csv_astropy(frame, path):
    Table.from_pandas(frame).write(path, format="ascii.csv")


def write_parquet(frame, path):
    frame.to_parquet(path)


def write_astropy(frame, path):
    table = Table.from_pandas(frame)
    table["spectrum"] = np.zeros((len(frame), 3))  # surveys carry vectors; they must not be in the way
    if path.suffix == ".fits":
        table.write(path)
    else:
        table.write(path, format="ascii.ecsv")


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("q.csv", write_csv),
        ("survey.csv", write_csv_astropy),
        ("q.parquet", write_parquet),
        ("q.fits", write_astropy),
        ("q.ecsv", write_astropy),
    ],
)
def test_formats_give_the_same_stars(tmp_path, name, write):
    frame = gaussian_stars(50)
    frame.insert(0, "name", [f"star {i}" for i in range(50)])
    write(frame, tmp_path / name)
    table = StarTable.read(tmp_path / name, "alpha_fe", None)
    assert table.stars == pytest.approx(frame[["feh", "alpha_fe"]].to_numpy(), abs=1e-12)
    assert table.stars.dtype == np.float64
    assert table.stars.dtype.isnative


def test_kernel_estimate_is_scipys_where_the_columns_are_uncorrelated(tmp_path):
    half = gaussian_stars(40)
    mirrored = half.copy()
    mirrored["alpha_fe"] = 0.6 - mirrored["alpha_fe"]  # makes the sample correlation exactly zero
    frame = pd.concat([half, mirrored])
    write_csv(frame, tmp_path / "q.csv")
    table = StarTable.read(tmp_path / "q.csv", "alpha_fe", 0.4)
    feh, alpha = np.linspace(-3, 0, 151), np.linspace(-0.5, 1.1, 161)
    ours = table.on_grid(feh, alpha).density
    centre = np.meshgrid((feh[1:] + feh[:-1]) / 2, (alpha[1:] + alpha[:-1]) / 2, indexing="ij")
    scipys = stats.gaussian_kde(frame.to_numpy().T, bw_method=0.4)(np.array([c.ravel() for c in centre]))
    scipys = scipys.reshape(ours.shape) / scipys.sum() / (0.02 * 0.01)
    assert ours == pytest.approx(scipys, rel=0.01, abs=0.002 * scipys.max())


def test_recovers_a_known_density(tmp_path):
    write_csv(gaussian_stars(3000, rho=-0.5), tmp_path / "q.csv")
    table = StarTable.read(tmp_path / "q.csv", "alpha_fe", None)
    grid = table.on_grid(np.linspace(*table.feh_range, 200), np.linspace(*table.y_range, 200))
    feh, alpha = (grid.feh_edges[1:] + grid.feh_edges[:-1]) / 2, (grid.y_edges[1:] + grid.y_edges[:-1]) / 2
    covariance = [[0.25, -0.05], [-0.05, 0.04]]
    truth = stats.multivariate_normal([-1.5, 0.3], covariance).pdf(np.dstack(np.meshgrid(feh, alpha, indexing="ij")))
    cell = np.diff(grid.feh_edges)[0] * np.diff(grid.y_edges)[0]
    assert 0.5 * np.abs(grid.density - truth).sum() * cell < 0.08  # total variation distance
    assert grid.feh_mass @ feh == pytest.approx(-1.5, abs=0.03)


def test_range_is_the_datas_and_a_little_more(tmp_path):
    frame = gaussian_stars(100)
    write_csv(frame, tmp_path / "q.csv")
    table = StarTable.read(tmp_path / "q.csv", "alpha_fe", 0.1)
    margin = 0.2 * frame["feh"].std()
    assert table.feh_range == pytest.approx((frame["feh"].min() - margin, frame["feh"].max() + margin))


def test_tables_drawn_from_the_default_give_its_moments_back(tmp_path):
    """Stars drawn from the built-in p and q, taken as a user's tables: r comes out near the published one."""
    p, q = default_sources()
    default = combine(p, q)
    for grid, column in ((default.p, "c_fe"), (default.q, "alpha_fe")):
        u = seeds.uniform_table(4, column, range(4000), 3)
        cell = np.searchsorted(np.cumsum(grid.mass), u[:, 0])
        row, col = np.unravel_index(np.minimum(cell, grid.mass.size - 1), grid.mass.shape)
        write_parquet(
            pd.DataFrame({"feh": grid.feh_edges[row] + 0.005, column: grid.y_edges[col] + 0.002}),
            tmp_path / f"{column}.parquet",
        )
    sample = Sample(p_table=tmp_path / "c_fe.parquet", q_table=tmp_path / "alpha_fe.parquet", bandwidth=0.1)
    user = halo_density(sample)
    for name, mean in default.moments.mean.items():
        assert user.moments.mean[name] == pytest.approx(mean, abs=0.06 * default.moments.sigma[name])
        assert user.moments.sigma[name] == pytest.approx(default.moments.sigma[name], rel=0.06)
    assert user.cemp_fraction() == pytest.approx(default.cemp_fraction(), abs=0.03)


def read(path):
    return StarTable.read(path, "alpha_fe", None)


def refused(path, *parts):
    with pytest.raises(UserError) as caught:
        read(path)
    line = str(caught.value)
    assert "\n" not in line
    assert str(path) in line
    for part in parts:
        assert re.search(part, line), line


def test_missing_file(tmp_path):
    refused(tmp_path / "q.csv", "no such table", "sample.q_table")


@pytest.mark.parametrize("name", ["q.parquet", "q.fits", "q.ecsv", "q.csv"])
def test_unreadable_file(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    refused(tmp_path / name, "not a readable table")
    (tmp_path / name).write_bytes(bytes(range(256)) * 9)
    refused(tmp_path / name, "not a readable table|is missing")


def test_unknown_kind(tmp_path):
    (tmp_path / "q.xlsx").write_bytes(b"")
    refused(tmp_path / "q.xlsx", "unknown kind", r"\.parquet")


def test_missing_column_names_those_found(tmp_path):
    write_csv(gaussian_stars(30).rename(columns={"alpha_fe": "mg_fe"}), tmp_path / "q.csv")
    refused(tmp_path / "q.csv", "column alpha_fe is missing", "found feh, mg_fe")


@pytest.mark.parametrize("value", [np.nan, np.inf, "unknown"])
def test_non_finite_row_is_named(tmp_path, value):
    frame = gaussian_stars(30).astype(object)
    frame.loc[17, "alpha_fe"] = value
    write_csv(frame, tmp_path / "q.csv")
    refused(tmp_path / "q.csv", r"row 17 \(the first is 0\), column alpha_fe")


def test_masked_row_is_named(tmp_path):
    table = Table.from_pandas(gaussian_stars(30))
    table["feh"] = MaskedColumn(table["feh"], mask=np.arange(30) == 4)
    table.write(tmp_path / "q.fits")
    refused(tmp_path / "q.fits", "row 4", "column feh")


def test_too_few_stars(tmp_path):
    write_csv(gaussian_stars(19), tmp_path / "q.csv")
    refused(tmp_path / "q.csv", "19 stars", "at least 20")


def test_column_without_spread(tmp_path):
    write_csv(gaussian_stars(30).assign(feh=-1.0), tmp_path / "q.csv")
    refused(tmp_path / "q.csv", "column feh", "same value")


def test_no_common_feh(tmp_path):
    write_csv(gaussian_stars(30, mean=(3.0, 0.1), sigma=(0.1, 0.1)), tmp_path / "q.csv")
    with pytest.raises(UserError, match=r"no \[Fe/H\] common to p and q.*built-in p covers -3\.10 to 0\.20.*q\.csv"):
        halo_density(Sample(q_table=tmp_path / "q.csv"))
