"""Decoder regions: the file's faults, each with its one line; the published table; every pixel in at most one."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import yaml

from halochem import regions
from halochem.config import Spectrum
from halochem.errors import UserError
from halochem.wavelengths import pixel_grid

GOOD = {"iron": [[4400, 4500], [5200, 5300]], "carbon": [[4280, 4320]], "alpha": [[8534, 8550]]}


@pytest.fixture
def write(tmp_path):
    def write(values) -> str:
        path = tmp_path / "regions.yaml"
        path.write_text(values if isinstance(values, str) else yaml.safe_dump(values))
        return path

    return write


@pytest.fixture(scope="module")
def wavelength():
    return pixel_grid(Spectrum())


def line_of(action) -> str:
    with pytest.raises(UserError) as caught:
        action()
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_good_file_is_read_in_ascending_order(write):
    loaded = regions.load(write(GOOD | {"iron": [[5200, 5300], [4400, 4500]]}))
    assert loaded == {
        "iron": [(4400.0, 4500.0), (5200.0, 5300.0)],
        "carbon": [(4280.0, 4320.0)],
        "alpha": [(8534.0, 8550.0)],
    }


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (GOOD | {"carbon": [[4450, 4550]]}, ["iron [4400, 4500]", "carbon [4450, 4550]", "overlap"]),
        (GOOD | {"iron": [[4400, 4500], [4499, 4510]]}, ["iron [4400, 4500]", "iron [4499, 4510]", "overlap"]),
        (GOOD | {"alpha": [[4401, 4402]]}, ["alpha [4401, 4402]", "overlap"]),
        (GOOD | {"alpha": []}, ["alpha", "expected a list"]),
        (GOOD | {"alpha": 5}, ["alpha", "expected a list"]),
        (GOOD | {"alpha": [[8550, 8534]]}, ["alpha, region 1", "ascending", "8550"]),
        (GOOD | {"iron": [[4400, 4500], [5200]]}, ["iron, region 2", "[5200]"]),
        (GOOD | {"iron": [["a", "b"]]}, ["iron, region 1"]),
        (
            {"iron": GOOD["iron"], "carbon": GOOD["carbon"]},
            ["expected the keys iron, carbon, alpha", "found carbon, iron"],
        ),
        (GOOD | {"nitrogen": [[1, 2]]}, ["expected the keys", "nitrogen"]),
        ("- 1\n", ["expected the keys", "list"]),
        ("iron: [", ["not valid YAML"]),
    ],
)
def test_faults_are_named_in_one_line(write, values, words):
    path = write(values)
    message = line_of(lambda: regions.load(path))
    assert all(word in message for word in [str(path), *words]), message


def test_missing_file(tmp_path):
    assert "no such regions file" in line_of(lambda: regions.load(tmp_path / "none.yaml"))


def test_touching_regions_do_not_overlap(write, wavelength):
    loaded = regions.load(write(GOOD | {"carbon": [[4500, 4550]]}))
    masks = regions.pixel_masks(loaded, wavelength, "r")
    assert not (masks["iron"] & masks["carbon"]).any()


@pytest.mark.parametrize("interval", [(3990.0, 4010.0), (10390.0, 10400.0), (12000.0, 12010.0)])
def test_region_outside_the_spectra_is_refused(wavelength, interval):
    message = line_of(lambda: regions.pixel_masks({"iron": [interval]}, wavelength, "mine.yaml"))
    assert message.startswith(
        f"mine.yaml: iron [{interval[0]:g}, {interval[1]:g}] lies outside the spectra, 4000.0-10398.2"
    )


def test_region_between_two_pixels_is_refused(wavelength):
    first = wavelength[100] + 0.1
    assert "holds no pixel" in line_of(
        lambda: regions.pixel_masks({"alpha": [(first, first + 0.2)]}, wavelength, "mine.yaml")
    )


def test_pixel_on_the_first_bound_is_inside_and_on_the_last_outside():
    wavelength = np.arange(5000.0, 5010.0)
    mask = regions.pixel_masks({"iron": [(5002.0, 5005.0)]}, wavelength, "r")["iron"]
    assert wavelength[mask].tolist() == [5002.0, 5003.0, 5004.0]


# --- the published table --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def published(root):
    table = yaml.safe_load((root / "config" / "regions.published.yaml").read_text())
    return {name: [tuple(pair) for pair in pairs] for name, pairs in table["regions"].items()}, table["priority"]


def masks_of(intervals, wavelength) -> dict[str, np.ndarray]:
    return regions.pixel_masks(intervals, wavelength, "r")


def test_shipped_file_is_what_the_published_table_gives(root):
    for name, text in regions.derived(root / "config" / "regions.published.yaml").items():
        assert (root / "config" / name).read_text() == text


def test_published_regions_overlap_and_the_shipped_do_not(root, published, wavelength):
    overlapping = masks_of(published[0], wavelength)
    assert (sum(mask.astype(int) for mask in overlapping.values()) > 1).any()
    shipped = masks_of(regions.load(root / "config" / "regions.yaml"), wavelength)
    assert sum(mask.astype(int) for mask in shipped.values()).max() == 1


def test_resolving_loses_no_pixel_and_adds_none(root, published, wavelength):
    before = np.logical_or.reduce(list(masks_of(published[0], wavelength).values()))
    after = masks_of(regions.load(root / "config" / "regions.yaml"), wavelength)
    assert np.array_equal(np.logical_or.reduce(list(after.values())), before)


def test_alpha_wins_and_thirteen_pixels_of_iron_and_carbon_are_carbons(root, published, wavelength):
    """The authors sum two decoders in 13 pixels."""
    before = masks_of(published[0], wavelength)
    after = masks_of(regions.load(root / "config" / "regions.yaml"), wavelength)
    assert np.array_equal(after["alpha"], before["alpha"])
    both = before["iron"] & before["carbon"] & ~before["alpha"]
    assert both.sum() == 13
    assert after["carbon"][both].all()
    assert not after["iron"][both].any()


def test_released_regions_share_thirteen_pixels_and_no_other(root, published, wavelength):
    path = root / "config" / "regions.released.yaml"
    assert "overlap; a pixel belongs to one decoder" in line_of(lambda: regions.load(path))
    masks = masks_of(regions.load(path, overlap=True), wavelength)
    before = masks_of(published[0], wavelength)
    assert np.array_equal(masks["alpha"], before["alpha"])
    for name in ("iron", "carbon"):
        assert np.array_equal(masks[name], before[name] & ~before["alpha"])
    assert (masks["iron"] & masks["carbon"]).sum() == 13


def test_one_decoder_may_never_name_a_pixel_twice(write):
    path = write(GOOD | {"iron": [[4400, 4500], [4499, 4510]]})
    assert "overlap" in line_of(lambda: regions.load(path, overlap=True))


def test_other_elements_other_keys(write):
    path = write(GOOD | {"magnesium": [[5160, 5190]]})
    assert "expected the keys iron, carbon, alpha" in line_of(lambda: regions.load(path))
    assert next(iter(regions.load(path, ("magnesium", "iron", "carbon", "alpha")))) == "magnesium"


def test_resolve_by_hand():
    published = {"iron": [(0.0, 10.0), (20.0, 30.0)], "carbon": [(5.0, 8.0), (29.0, 40.0)], "alpha": [(2.0, 6.0)]}
    assert regions.resolve(published, ["alpha", "carbon", "iron"]) == {
        "iron": [(0.0, 2.0), (8.0, 10.0), (20.0, 29.0)],
        "carbon": [(6.0, 8.0), (29.0, 40.0)],
        "alpha": [(2.0, 6.0)],
    }


def test_resolved_regions_never_overlap_and_cover_the_union():
    """Random intervals on whole numbers, against counting cell by cell."""
    rng = np.random.Generator(np.random.Philox(1))
    for _ in range(200):
        table = {
            name: [
                (float(a), float(a + n)) for a, n in zip(rng.integers(0, 50, 4), rng.integers(1, 20, 4), strict=True)
            ]
            for name in regions.DECODERS
        }
        resolved = regions.resolve(table, ["alpha", "carbon", "iron"])
        cells = np.arange(80) + 0.5
        inside = {name: np.array([any(a < x < b for a, b in pairs) for x in cells]) for name, pairs in resolved.items()}
        given = {name: np.array([any(a < x < b for a, b in pairs) for x in cells]) for name, pairs in table.items()}
        assert not any((inside[a] & inside[b]).any() for a, b in combinations(regions.DECODERS, 2))
        assert np.array_equal(inside["alpha"], given["alpha"])
        assert np.array_equal(inside["carbon"], given["carbon"] & ~given["alpha"])
        assert np.array_equal(inside["iron"], given["iron"] & ~given["carbon"] & ~given["alpha"])
