"""Fit and check: repeatable, resumable, honest about the test stars."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from emulator_toys import SMALL, config, fitted, flux_of, spectra

from halochem.errors import UserError
from halochem.files import STAR_LABELS
from halochem.synthesize.emulator import card, check, figures, fit, model
from halochem.synthesize.emulator.features import matrix

QUICK = replace(SMALL, epochs=3)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fit")
    return fitted(folder, n=300), spectra(300)


def test_components_span_the_spectra():
    flux = spectra(100).flux
    mean, basis = fit.components(flux, 8)
    assert np.abs(basis @ basis.T - np.eye(8)).max() < 2e-3
    left = flux - mean - model.project(flux - mean, basis) @ basis
    assert np.sqrt((left**2).mean()) < 1e-3  # six lines, one of them not linear
    _, shorter = fit.components(flux, 2)
    assert np.sqrt(((flux - mean - model.project(flux - mean, shorter) @ shorter) ** 2).mean()) > 5e-3


def test_same_seed_same_weights_other_seed_others(tmp_path):
    data = spectra(60)
    fits = [fit.fit(data, config().spectrum, s, tmp_path / str(i)) for i, s in enumerate((QUICK, QUICK))]
    other = fit.fit(data, config().spectrum, replace(QUICK, seed=1), tmp_path / "other")
    for name, values in fits[0].arrays.items():
        assert np.array_equal(values, fits[1].arrays[name]), name
    assert not np.array_equal(fits[0].arrays["member0.weight0"], other.arrays["member0.weight0"])
    assert not np.array_equal(fits[0].arrays["member0.weight0"], fits[0].arrays["member1.weight0"])


def test_a_stopped_fit_goes_on_with_finished_members(tmp_path, monkeypatch):
    data, trained = spectra(60), []
    train = fit._train

    def stopped(x, target, n_pixels, settings, member):
        if member == 1 and not trained[1:]:
            trained.append("stopped")
            raise KeyboardInterrupt
        trained.append(member)
        return train(x, target, n_pixels, settings, member)

    monkeypatch.setattr(fit, "_train", stopped)
    with pytest.raises(KeyboardInterrupt):
        fit.fit(data, config().spectrum, QUICK, tmp_path)
    fit.fit(data, config().spectrum, QUICK, tmp_path)
    assert trained == [0, "stopped", 1]


def test_test_stars_are_not_trained_on(tmp_path):
    data = spectra(60)
    changed = data.flux.copy()
    changed[data.test] = 0.0
    fits = [
        fit.fit(replace(data, flux=flux), config().spectrum, QUICK, tmp_path / str(i))
        for i, flux in enumerate((data.flux, changed))
    ]
    for name, values in fits[0].arrays.items():
        assert np.array_equal(values, fits[1].arrays[name]), name


def test_other_pixels_are_refused(tmp_path):
    spectrum = config().spectrum.model_copy(update={"wavelength": (5000.0, 5200.0)})
    with pytest.raises(UserError, match="pixels are not those of spectrum"):
        fit.fit(spectra(30), spectrum, QUICK, tmp_path)


def test_stored_weights_give_the_same_flux(tmp_path):
    emulator = fit.fit(spectra(60), config().spectrum, replace(SMALL, epochs=30), tmp_path / "work")
    model.save(emulator, tmp_path)
    labels = matrix(spectra(60).labels)
    assert np.abs(model.load(tmp_path).flux(labels) - emulator.flux(labels)).max() < 2e-3


def test_errors_are_those_of_the_test_stars(made):
    emulator, data = made
    errors = check.measure(emulator, data)
    test = data.labels[data.test][list(STAR_LABELS)]
    expected = emulator.flux(matrix(test)) - flux_of(matrix(test))
    assert np.allclose(errors.residual, expected, atol=1e-5)
    summary = check.summary(errors, emulator)
    assert summary["test_stars"] == data.test.sum() == 33
    assert summary["rms"]["median"] == pytest.approx(np.median(np.sqrt((expected**2).mean(axis=1))), rel=0.01)
    assert sum(kind["stars"] for kind in summary["by_kind"].values()) == 33


def test_fitted_labels_of_emulated_spectra_are_the_true_ones(made):
    emulator, data = made
    labels = matrix(data.labels[data.test])
    found = check.fit_labels(emulator, emulator.flux(labels))
    flux_off = np.sqrt(((emulator.flux(found) - emulator.flux(labels)) ** 2).mean(axis=1))
    assert np.median(flux_off) < 1e-4
    off = np.median(np.abs(found - labels), axis=0)
    assert (off[[2, 3, 4]] < 0.005).all()
    assert off[0] < 10.0


def test_card_and_figures_tell_the_measured_numbers(made, tmp_path):
    emulator, data = made
    errors = check.measure(emulator, data)
    summary = check.summary(errors, emulator)
    text = card.text(emulator.document, summary)
    assert f"| rms over the pixels of a star | {summary['rms']['median']:.4f} |" in text
    assert emulator.document["weights_sha256"] in text
    assert f"{emulator.document['stars']['train']} for training" in text
    for path in figures.write_all(errors, data.flux[data.test], tmp_path):
        assert path.read_bytes().startswith(b"\x89PNG")


def test_spectra_without_test_stars_are_refused(made):
    emulator, data = made
    with pytest.raises(UserError, match="no test star"):
        check.measure(emulator, data.subset(~data.test))
