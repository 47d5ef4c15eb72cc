"""Hostile configurations and regions."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import yaml
from hostile import NUMBERS, WORDS, cases, mutated, survives
from hypothesis import given
from hypothesis import strategies as st

from halochem import config, provenance, regions
from halochem.wavelengths import pixel_grid

ROOT = Path(__file__).parents[2]
DEFAULT = b"""# all kinds of values
seeds: [1, 2]
sample: {n_stars: 4000, teff: [3000.0, 7000.0], p_table: null}
synthesis:
  engine: "turbospectrum"
  line_list: ~/lines/mine.vald
  ispec_line_list: VALD.300_1100nm
  step: 0.015
train:
  regions: config/regions.yaml
  adversary_weight: [{from_epoch: 0, value: 0.0}, {from_epoch: 200, value: 0.01}]
  prior_correlation: {feh_alpha: -0.3, feh_c: -0.17, c_alpha: 0.0}
  instance_norm: true
"""
REGIONS = b"""iron:
  - [4398.454, 4568]
  - [4745, 4771.995]
carbon: [[4280, 4320]]
alpha:
  - [4135, 4240]
"""
VALUES_OF_DEFAULT = config.Config().dump()
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from([10**30, -(10**400), "x" * 5000])
    | st.sampled_from([word for word in WORDS + NUMBERS if word.isprintable()]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def path(folder) -> Path:
    return folder / "c.yaml"


def use(path: Path) -> None:
    """Load, and what every command does with it."""
    settings = config.load(path)
    assert config.validate(settings.dump(), "again") == settings
    provenance.config_hash(settings)
    assert len(pixel_grid(settings.spectrum)) <= config.MOST_PIXELS + 1


@st.composite
def with_wrong_values(draw: st.DrawFn) -> bytes:
    """The default configuration with values of other kinds and keys of other names."""
    values = copy.deepcopy(VALUES_OF_DEFAULT)
    # Some sections: what is not there is parsed in no time.
    kept = draw(st.sets(st.sampled_from(list(values)), min_size=1, max_size=2))
    values = {name: values[name] for name in kept}
    for _ in range(draw(st.integers(1, 4))):
        section = values
        while True:
            key = draw(st.sampled_from(list(section)))
            if not isinstance(section[key], dict) or not section[key] or draw(st.booleans()):
                break
            section = section[key]
        if draw(st.booleans()):
            section[key] = draw(VALUES)
        else:
            section[draw(st.text(max_size=8))] = section.pop(key)
        if not section:
            break
    text = yaml.dump(values, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), allow_unicode=draw(st.booleans()))
    return text.encode("utf-8", "surrogatepass")


@cases(0.14)
@given(content=with_wrong_values())
def test_wrong_values(path, content):
    survives(path, content, use)


@cases(0.14)
@given(content=mutated(DEFAULT, text=True))
def test_mutated_configuration(path, content):
    survives(path, content, use)


@cases(0.05)
@given(content=mutated(REGIONS, text=True))
def test_mutated_regions(path, content):
    survives(path, content, regions.load)


BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [*{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}]\n"
    for old, new in zip("abcdefghi", "bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    "text",
    [
        BOMB + "seeds: *j",
        "seeds: &a [*a]",
        "sample: &s {n_stars: 3}\nobserve: *s",
        "seeds: [1]\nseeds: [2]",
        "sample: {n_stars: 3, n_stars: 4}",
        "seeds: " + "[" * 100_000,
        "seeds: " + "[" * 50 + "]" * 50,
        "- " * 50_000,
        "a: " * 5000,
        "{" * 1000,
        "? " * 5000,
        f"seeds: [{'9' * 5000}]",
        f"sample: {{n_stars: {'9' * 4000}}}",
        '!!int ""',
        "!!timestamp x",
        "seeds: 2001-99-99",
        "!!binary ä",
        "!!python/object/apply:os.system [id]",
        "!!set {a, b}",
        "\ufeff",
        "\x00",
        "%YAML 9.9\n---\nseeds: [1]",
        "--- 1\n--- 2",
        "? [a, b]\n: 1",
        "? {a: b}\n: 1",
        f"train: {{regions: {'x/' * 3000}}}",
        f"train: {{regions: {'x' * 300}}}",
        "train: {regions: 'a{seed}'}",
        'train: {regions: "a\\nb"}',
        "synthesis: {ispec_atmospheres: ../../x}",
        "synthesis: {ispec_line_list: /etc/passwd}",
        "synthesis: {ispec_abundances: ..}",
        "synthesis: {marcs_dir: ~nobody-at-all/x, atmospheres: marcs}",
        "spectrum: {log_step: 1.0e-300}",
        "spectrum: {wavelength: [1.0e-300, 1.0e300]}",
        "x" * 10_000 + ": 1",
        '"a\\nb": 1',
        "#" * 10**6,
    ],
    ids=lambda text: text[:24],
)
def test_refused_in_one_line(path, text):
    refused = []

    def read(path: Path) -> None:
        try:
            use(path)
        except BaseException as error:
            refused.append(error)
            raise

    survives(path, text.encode(), read)
    assert refused or text == "\ufeff", "taken as if nothing were wrong"
