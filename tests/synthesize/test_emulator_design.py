"""The emulator's design: inside the range, any beginning of it good, test stars apart."""

from __future__ import annotations

import numpy as np
import pytest
from emulator_toys import fitted
from scipy.stats import kstest

from halochem import files
from halochem.config import Sample
from halochem.files import LABELS
from halochem.sample.draw import draw_labels
from halochem.sample.halo import halo_density
from halochem.synthesize.emulator import design
from halochem.synthesize.emulator.domain import box

N = 1800


@pytest.fixture(scope="module")
def table():
    return design.design(N, 0)


def is_test(table):
    return table["star_id"].str.startswith(design.PREFIX[design.TEST])


def test_box_is_the_halos_whole_support():
    assert box() == {
        "teff": (3000.0, 7000.0),
        "logg": (2.5, 6.0),
        "feh": (-3.1, 0.2),
        "c_fe": (-1.0, 3.0),
        "alpha_fe": (-0.3, 0.67),
    }


def test_every_star_lies_in_the_box_and_the_table_is_a_label_table(table, tmp_path):
    for name, (low, high) in box().items():
        assert table[name].between(low, high).all()
    files.write_labels(table, tmp_path / "design.parquet", {"seed": "0"})
    assert list(files.read_labels(tmp_path / "design.parquet").columns) == list(LABELS)


def test_a_row_is_the_same_in_every_part_of_the_design(table):
    assert design.design(100, 0, first=700).equals(table.iloc[700:800].reset_index(drop=True))
    assert not design.design(100, 1)["teff"].equals(table["teff"].iloc[:100])


def test_one_row_in_nine_is_a_test_star_until_there_are_enough():
    table = design.design(9 * design.TEST_STARS + 100, 0)
    assert is_test(table).sum() == design.TEST_STARS
    assert not is_test(table).iloc[9 * design.TEST_STARS :].any()
    assert table["star_id"].is_unique


def test_test_stars_are_drawn_as_the_sample_stage_draws_but_are_no_catalogs(table):
    stars = table[is_test(table)].reset_index(drop=True)
    expected = draw_labels(Sample(), halo_density(Sample()), 0, range(len(stars)), stream="emulator test")
    assert stars.drop(columns="star_id").equals(expected.drop(columns="star_id"))
    catalog = draw_labels(Sample(), halo_density(Sample()), 0, range(len(stars)))
    assert not np.isclose(stars["teff"], catalog["teff"]).any()


@pytest.mark.parametrize("n", [90, 450, 1800])
def test_any_beginning_covers_the_box(table, n):
    train = table.iloc[:n][~is_test(table.iloc[:n])]
    # Every eighth of each label's range has stars, but for the sparse ends of the halo's abundances in the smallest.
    for name, (low, high) in box().items():
        counts, _ = np.histogram(train[name], np.linspace(low, high, 9))
        empty = (counts == 0).sum()
        assert empty <= (1 if n == 90 else 0), name


def test_sobol_points_are_more_even_than_random_ones(table):
    part, _ = design.turns(len(table))
    halo = design.train_points(np.flatnonzero(part == 0)[:256], 0)
    distance = kstest((halo["teff"] - 3000.0) / 4000.0, "uniform").statistic
    assert distance < 0.012  # 256 random numbers: 0.05 in the median


def test_parts_take_their_shares_in_every_beginning():
    part, place = design.turns(1000)
    for n in (20, 100, 1000):
        counts = np.bincount(part[:n], minlength=len(design.PARTS))
        assert np.abs(counts - n * np.array([p.share for p in design.PARTS])).max() < 1.0 + 1e-9
    assert (place[part == 1] == np.arange((part == 1).sum())).all()


def test_a_further_round_goes_where_the_networks_disagree(tmp_path):
    emulator = fitted(tmp_path, n=120)
    chosen = design.where_wrong(60, 5, emulator)
    plain = design.train_points(np.arange(60), 5)

    def spread(table):
        labels = table[list(files.STAR_LABELS)].to_numpy(float)
        each = [emulator.coefficients(labels, range(m, m + 1)) for m in range(emulator.n_members)]
        return np.var(each, axis=0).sum(axis=1).mean()

    assert spread(chosen) > 2 * spread(plain)
    assert not is_test(chosen).any()
    assert chosen["star_id"].is_unique
