"""The ablation's page from made-up trainings."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks" / "model"))
import ablation_page


def training(variant, seed, **numbers):
    values = {f"r.{z}.{label}": 0.01 for z in ablation_page.LATENTS for label in ("feh", "c_fe", "alpha_fe")}
    values |= {f"r.{z}.{label}": -0.02 for z in ablation_page.LATENTS for label in ("teff", "logg")}
    values |= {"rmse_linear.feh": 0.1, "rmse_linear.c_fe": 0.2, "rmse_linear.alpha_fe": 0.05}
    values |= {"probe_r2.teff": 0.04, "probe_r2.logg": -0.01, "relative_l2.all": 0.02}
    more = {"stars": 12000, "test_stars": 3600, "wall_seconds": 70.0, "cpu_seconds": 50.0, "commit": "abc"}
    return {"variant": variant, "seed": seed, "numbers": values | numbers, **more}


@pytest.fixture
def found():
    strong = {"r.z_m.feh": 0.98, "r.z_c.c_fe": -0.95, "r.z_alpha.alpha_fe": 0.93, "r.z_c.feh": -0.3}
    rows = [training("fast", seed, **strong | {"r.z_m.feh": 0.97 + 0.01 * seed}) for seed in (0, 1, 2)]
    rows += [training("lambda-0", 1, **strong), training("lambda-1", 1, **strong), training("lambda-30", 1, **strong)]
    return rows


def test_mean_and_spread_over_seeds(found):
    row = ablation_page.row(found, "fast")
    assert "0.980 ± 0.010 / 0.950 ± 0.000 / 0.930 ± 0.000" in row
    assert row.split(" | ")[2] == "0.30 ± 0.00"  # the largest with another abundance, whatever its sign
    assert row.endswith("| 3 |")


def test_one_seed_has_no_spread(found):
    assert "±" not in ablation_page.row(found, "lambda-0")


def test_page_holds_the_variants_that_were_tried_and_their_reference(found):
    page = ablation_page.page(found)
    part = page.split("## Weight of the adversary, λ")[1]
    assert "preset fast" in part
    assert "λ = 0: no moments at all" in part
    assert "λ = 100" not in page
    assert "code of abc" in page


def test_figure_has_a_point_for_each_weight(found):
    pytest.importorskip("matplotlib")
    from halochem.report.figures import style

    with style.style():
        figure = ablation_page.draw(found)
    line = figure.axes[0].containers[0].lines[0]
    assert list(line.get_xdata()) == [0.1, 1.0, 3.0, 30.0]
    assert line.get_ydata()[2] == pytest.approx(0.98)
