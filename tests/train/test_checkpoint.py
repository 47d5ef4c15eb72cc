import pytest

from halochem.errors import UserError
from halochem.train import checkpoint, loop


@pytest.fixture
def interrupted(toy, tmp_path):
    loop.fit(toy.catalog(), toy.config(epochs=4), tmp_path, stop_after=1)
    return tmp_path


def test_another_configuration_is_refused(toy, interrupted):
    with pytest.raises(UserError, match=r"another training: train\.beta was 0\.001, is 0\.002; .*--restart"):
        loop.fit(toy.catalog(), toy.config(epochs=4, beta=2e-3), interrupted)


def test_another_number_of_epochs_is_refused(toy, interrupted):
    with pytest.raises(UserError, match=r"train\.epochs was 4, is 5"):
        loop.fit(toy.catalog(), toy.config(epochs=5), interrupted)


def test_other_regions_are_refused(toy, interrupted, tmp_path):
    path = tmp_path / "narrow.yaml"
    path.write_text(toy.regions_path.read_text().replace("5340", "5330"))
    with pytest.raises(UserError, match="another training: regions was"):
        loop.fit(toy.catalog(), toy.config(epochs=4, regions=str(path)), interrupted)


def test_the_same_regions_by_another_name_are_not(toy, interrupted, tmp_path):
    path = tmp_path / "copy.yaml"
    path.write_text(toy.regions_path.read_text())
    loop.fit(toy.catalog(), toy.config(epochs=4, regions=str(path), checkpoint_every=1), interrupted)


def test_another_grid_is_refused(toy, interrupted):
    catalog = toy.catalog()
    catalog.wavelength = catalog.wavelength + 0.1
    with pytest.raises(UserError, match=r"wavelength\.first was 5000\.0, is 5000\.1"):
        loop.fit(catalog, toy.config(epochs=4), interrupted)


def test_other_spectra_are_refused(toy, interrupted):
    catalog = toy.catalog()
    catalog.flux[0] += 0.01
    with pytest.raises(UserError, match="another training: catalog was"):
        loop.fit(catalog, toy.config(epochs=4), interrupted)


def test_a_truncated_checkpoint_is_refused(toy, interrupted):
    path = interrupted / checkpoint.NAME
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match=r"damaged .*--restart"):
        loop.fit(toy.catalog(), toy.config(epochs=4), interrupted)
