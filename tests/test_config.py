"""The typed configuration: what is generated from it, and the one line for each fault."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from halochem import config as configuration
from halochem import config_pages, regions
from halochem.errors import UserError

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(("path", "text"), config_pages.generated(ROOT).items(), ids=lambda value: str(value)[-20:])
def test_generated_files_have_not_drifted(path, text):
    assert path.read_text(encoding="utf-8") == text, f"{path} differs from config.py: `make config`"


def test_regions_have_not_drifted():
    for name, text in regions.derived(ROOT / "config" / "regions.published.yaml").items():
        assert (ROOT / "config" / name).read_text(encoding="utf-8") == text, "`make config`"


def test_published_configuration_is_the_default():
    assert configuration.load(ROOT / "config" / "config.yaml") == configuration.Config()


def test_published_run():
    published = configuration.load(ROOT / "config" / "config.yaml")
    assert published.seeds == (1, 2, 3, 4, 5)
    assert published.sample.n_stars == 40_000
    assert published.sample.teff == (3000, 7000)
    assert published.sample.logg == (2.5, 6.0)
    assert (published.sample.snr.mean, published.sample.snr.sigma) == (50, 10)
    assert published.spectrum.wavelength == (4000, 10400)
    assert (published.spectrum.log_step, published.spectrum.resolution) == (1e-4, 2200)
    assert published.observe.jitter == 0.02
    assert (published.train.train_fraction, published.train.epochs) == (0.7, 4000)


def test_quickstart_holds_only_keys_that_differ():
    values = yaml.safe_load((ROOT / "config" / "quickstart.yaml").read_text(encoding="utf-8"))
    quick, default = configuration.validate(values, "quickstart").dump(), configuration.Config().dump()
    assert quick["seeds"] != default["seeds"]
    for section, keys in values.items():
        for key in keys if isinstance(keys, dict) else ():
            assert quick[section][key] != default[section][key], f"{section}.{key} is the default"


def test_schema_names_every_key():
    schema = json.loads((ROOT / "config" / "config.schema.json").read_text(encoding="utf-8"))
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == set(configuration.Config.model_fields)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("smaple: {n_stars: 3}", "unknown key smaple; known there: seeds, sample,"),
        ("sample: {nstars: 3}", "unknown key sample.nstars; known there: n_stars,"),
        ("sample: {n_stars: -5}", "sample.n_stars: input should be greater than or equal to 1, got -5"),
        ("sample: {n_stars: many}", "sample.n_stars:"),
        ("sample: {teff: [7000, 3000]}", "sample.teff: the range must ascend, got [7000, 3000]"),
        ("seeds: []", "seeds:"),
        ("seeds: [1, 1]", "seeds: each seed once"),
        ("seeds: [-1]", "seeds.0:"),
        ("train: {adversary_weight: [{from_epoch: 5, value: 0}]}", "steps must begin at from_epoch 0"),
        ("observe: {jitter: .nan}", "observe.jitter:"),
        ("train: {epochs: 0}\nobserve: {jitter: 2}", "(and 1 more)"),
        ("train: {prior_correlation: {feh_c: 0.1}}", "train: prior_correlation: c_alpha is missing; expected c_alpha,"),
        ("train: {prior_correlation: {feh_c: 1, feh_alpha: 0, c_alpha: 0}}", "expected numbers between -1 and 1"),
        ("train: {elements: [{name: iron, latent: z_m}, {name: iron, latent: z_c}]}", "name iron is there twice"),
        ("train: {elements: [{name: iron, latent: z_m, reads: [gold]}]}", "iron reads gold; expected names of other"),
        ("train: {elements: [{name: iron, latent: m}]}", "train.elements.0.latent:"),
        ("train: {preset: fast, elements: [{name: iron, latent: z_m}]}", "preset: fast knows how a spectrum answers"),
        ("train: {preset: fast, reproduce: {seven_bins: true}}", "preset: fast has no reproduce.seven_bins"),
        ("train: {preset: fast, average_decay: 0.9}", "preset: fast has no average_decay"),
        ("train: {reproduce: {eight_bins: true}}", "unknown key train.reproduce.eight_bins; known there: softmax"),
        ("sample: [", "not valid YAML"),
        ("- 1", "expected keys and values, got a list"),
    ],
)
def test_each_fault_has_its_one_line(tmp_path, text, said):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        configuration.load(path)
    line = str(caught.value)
    assert line.startswith(str(path))
    assert said in line
    assert "\n" not in line


def test_missing_file(tmp_path):
    with pytest.raises(UserError, match="no such configuration file"):
        configuration.load(tmp_path / "mine.yaml")


def test_an_earlier_name_of_a_switch_is_understood():
    old = configuration.validate({"train": {"reproduce_softmax_before_cross_entropy": True}}, "test").train
    assert old.reproduce.asked == ["softmax_before_cross_entropy"]
    assert configuration.Config().train.reproduce.asked == []


def test_fewer_elements_over_the_default_leave_its_other_correlations_alone():
    elements = [{"name": "iron", "latent": "z_m", "label": "feh"}, {"name": "carbon", "latent": "z_c", "label": "c_fe"}]
    train = configuration.Config().dump()["train"] | {"elements": elements}
    assert [e.short for e in configuration.validate({"train": train}, "test").train.elements] == ["feh", "c"]


def test_values_override_defaults_one_by_one():
    mixed = configuration.validate({"sample": {"snr": {"mean": 20}}}, "test")
    assert mixed.sample.snr.mean == 20
    assert mixed.sample.snr.sigma == 10
    assert mixed.sample.n_stars == 40_000
