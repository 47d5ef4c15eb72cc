"""The page in a real browser: silent, without a network, its explorer at work, fit for every width and theme."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from page_in_browser import OpenPage

from halochem import files
from halochem.encode import latents
from halochem.train import model_files


@pytest.fixture
def opened(browser, report):
    with OpenPage(browser, report) as page:
        yield page
        assert page.complaints == []
        assert page.requests == [page.url]


@pytest.fixture(scope="module")
def stars(tiny_run) -> pd.DataFrame:
    """The stars of the explorer: all that have latents."""
    table = pd.read_parquet(tiny_run.table)
    return table[np.isfinite(table["z_m"])].reset_index(drop=True)


def test_opens_without_a_word_and_without_a_network(opened):
    assert opened.page.locator("#explorer .views button").count() == 8
    assert opened.page.locator("h1").inner_text() == "Catalog halo-1"


def test_hover_shows_the_star_its_numbers_and_its_spectrum(opened, stars):
    opened.show("teff", "z_m", "feh_true")
    places = opened.places(stars["teff"].to_numpy(), stars["z_m"].to_numpy())
    # A star that no other hides.
    distance = np.linalg.norm(places[:, None] - places[None], axis=2) + np.diag(np.full(len(places), np.inf))
    lone = np.argsort(distance.min(axis=1))[::-1][:2]
    pictures = []
    for star in lone:
        opened.page.mouse.move(*places[star] + 3)
        opened.settle()
        star_id = stars["star_id"][star]
        assert opened.focus() == star_id
        assert opened.page.locator("#explorer").get_attribute("data-spectrum") == star_id
        card = opened.page.locator("#explorer .star-card").inner_text()
        assert star_id in card
        assert f"{stars['feh_true'][star]:.2f}".replace("-", "−") in card
        pictures.append(opened.page.locator("#explorer .spectrum").screenshot())
    assert pictures[0] != pictures[1]


def test_the_spectrum_drawn_is_the_catalogs_and_the_models(opened, tiny_run, stars):
    """The page's own script reads its data; what it finds is compared pixel by pixel with the files."""
    from importlib import resources

    script = resources.files("halochem.report").joinpath("scripts/data.js").read_text(encoding="utf-8")
    opened.page.add_script_tag(content=script)
    found = opened.page.evaluate(
        """async () => {
          const stars = await readStars();
          const spectra = await readSpectra(stars.header);
          const star = unpackSpectrum(spectra, stars.slot[7]);
          const lists = Object.fromEntries(["base", "observed", "residual"].map((k) => [k, Array.from(star[k])]));
          return { id: stars.ids[7], header: stars.header, feh: stars.byName.get("feh").values[7], ...lists };
        }"""
    )
    row = int(found["id"].rsplit("-", 1)[1])
    assert found["id"] == stars["star_id"][7]
    assert found["feh"] == pytest.approx(stars["feh"][7], rel=1e-6)
    catalog, model = files.read_catalog(tiny_run.catalog), model_files.load(tiny_run.model)
    width = found["header"]["segments"][0]["width"]
    assert width == 2
    n_pixels = len(catalog.wavelength) // width * width
    rebuilt = np.full(len(catalog.wavelength), np.nan)
    rebuilt[model.pixels] = latents.infer(model, catalog.flux[[row]]).reconstruction[0]
    clean, observed = catalog.flux_clean[row], catalog.flux[row]

    def binned(values):
        return np.nanmean(values[:n_pixels].reshape(-1, width), axis=1)

    m = n_pixels // width
    noise = np.abs(observed - clean).max()
    np.testing.assert_allclose(found["base"][:m], binned(clean), atol=3e-4)
    np.testing.assert_allclose(found["observed"][:m], binned(observed), atol=3e-4 + noise / 200)
    with pytest.warns(RuntimeWarning, match="empty slice"):
        expected = binned(rebuilt - clean)
    shown = np.array([np.nan if value is None else value for value in found["residual"][:m]], float)
    np.testing.assert_array_equal(np.isnan(shown), np.isnan(expected))
    np.testing.assert_allclose(shown, expected, atol=np.nanmax(np.abs(rebuilt - clean)) / 200)


def test_rectangle_lists_the_stars_within_and_saves_them(opened, stars, tmp_path):
    opened.show("teff", "z_m", "split")
    places = opened.places(stars["teff"].to_numpy(), stars["z_m"].to_numpy())
    (left, top), (right, bottom) = places.min(axis=0) - 4, np.median(places, axis=0) + 0.37
    inside = (places >= [left, top]).all(axis=1) & (places <= [right, bottom]).all(axis=1)
    expected = set(stars["star_id"][inside])
    assert 3 < len(expected) < len(stars)
    opened.drag([(left, top), (right, bottom)])
    assert opened.listed() == expected
    assert opened.page.locator("#explorer .count").inner_text() == f"{len(expected)} stars selected."
    with opened.page.expect_download() as event:
        opened.page.locator("#explorer .download").click()
    saved = pd.read_csv(io.StringIO(event.value.path().read_text(encoding="utf-8"))).set_index("star_id")
    assert event.value.suggested_filename == "halo-1-selection.csv"
    assert set(saved.index) == expected
    table = stars.set_index("star_id").loc[saved.index]
    assert set(saved.columns) <= set(table.columns)
    for name in ("z_m", "c_fe", "rel_l2_error_clean", "teff_true"):
        np.testing.assert_allclose(saved[name], table[name], rtol=1e-6)
    assert (saved["flag_cemp"] == table["flag_cemp"]).all()
    assert (saved["split"] == table["split"]).all()


def test_lasso_shift_and_the_keys(opened, stars):
    opened.show("teff", "z_m", "split")
    places = opened.places(stars["teff"].to_numpy(), stars["z_m"].to_numpy())
    opened.page.get_by_label("lasso").check()
    ids = stars["star_id"]
    first, last = int(np.argmin(places[:, 0])), int(np.argmax(places[:, 0]))
    triangle = np.array([[-6, -6], [8, 0], [0, 8]])
    opened.drag([tuple(places[first] + corner) for corner in triangle])
    assert ids[first] in opened.listed()
    assert ids[last] not in opened.listed()
    opened.drag([tuple(places[last] + corner) for corner in triangle], "Shift")
    assert {ids[first], ids[last]} <= opened.listed()
    opened.page.keyboard.press("Escape")
    opened.plot.press("Escape")
    opened.settle()
    assert opened.listed() == set()

    opened.page.get_by_label("star", exact=True).fill(ids[first])
    opened.page.keyboard.press("Enter")
    opened.settle()
    assert opened.focus() == ids[first]
    opened.plot.press("ArrowRight")
    opened.settle()
    following = opened.focus()
    assert following != ids[first]
    assert places[ids == following][0, 0] > places[first, 0]
    opened.plot.press("Enter")
    opened.settle()
    assert opened.listed() == {following}


def test_a_star_of_interest_shows_itself_in_the_explorer(opened):
    button = opened.page.locator("#stars button.star").last
    button.click()
    opened.settle()
    assert opened.focus() == button.inner_text()


def test_every_quantity_can_be_drawn_against_every_kind_of_colour(opened):
    names = opened.page.locator("#explorer select[name=x] option").evaluate_all("(all) => all.map((o) => o.value)")
    assert {"z_m", "feh", "teff_true", "delta_feh", "flag_cemp", "class_true", "chi2_reduced"} <= set(names)
    for name in names:
        opened.show(name, "z_m", name)
        assert opened.page.locator("#explorer .legend").inner_text() != ""
    opened.show("flag_cemp", "class_true", "outcome_cemp")
    assert opened.page.locator("#explorer .legend-entry").count() > 0


@pytest.mark.parametrize("width", [400, 768, 1280, 1400])
def test_fits_the_width(browser, report, width):
    options = {"is_mobile": True, "has_touch": True} if width == 400 else {}
    with OpenPage(browser, report, width, **options) as opened:
        assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
        boxes = opened.page.locator("#explorer canvas:not(.mark), #explorer select, #explorer button").evaluate_all(
            "(all) => all.filter((e) => !e.closest('.scroll')).map((e) => e.getBoundingClientRect().right)"
        )
        assert max(boxes) <= width


def test_a_touch_shows_a_star_and_leaves_the_page_to_scroll(browser, report, stars):
    with OpenPage(browser, report, 400, is_mobile=True, has_touch=True) as opened:
        assert opened.page.get_by_label("one star").is_checked()
        assert opened.plot.evaluate("(canvas) => getComputedStyle(canvas).touchAction") == "pan-y"
        opened.show("teff", "z_m", "split")
        places = opened.places(stars["teff"].to_numpy(), stars["z_m"].to_numpy())
        star = int(np.argmin(places[:, 0]))
        opened.page.touchscreen.tap(*places[star])
        opened.settle()
        assert opened.focus() == stars["star_id"][star]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_in_both_themes(browser, report, scheme):
    with OpenPage(browser, report, color_scheme=scheme) as opened:
        colours = opened.page.evaluate(
            """(names) => {
              const probe = document.body.appendChild(document.createElement("i"));
              const rgb = (name) => {
                probe.style.color = `var(${name})`;
                return getComputedStyle(probe).color.match(/\\d+/g).map(Number);
              };
              return Object.fromEntries(names.map((name) => [name, rgb(name)]));
            }""",
            ["--paper", "--ink", "--soft", "--blue", "--limit"],
        )
    light = {name: _luminance(rgb) for name, rgb in colours.items()}
    assert (light["--paper"] > 0.5) == (scheme == "light")
    for name in ("--ink", "--soft", "--blue", "--limit"):
        brighter, darker = sorted([light[name], light["--paper"]], reverse=True)
        assert (brighter + 0.05) / (darker + 0.05) >= 4.5, name  # WCAG 2.2, AA


def _luminance(rgb: list[int]) -> float:
    share = np.array(rgb[:3]) / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_controls_have_names_and_take_the_focus(opened):
    unnamed = opened.page.locator("select, input").evaluate_all("(all) => all.filter((e) => !e.labels.length).length")
    assert unnamed == 0
    assert opened.page.locator("img:not([alt])").count() == 0
    reached = set()
    opened.page.locator("#explorer .views button").first.focus()
    for _ in range(40):
        reached.add(opened.page.evaluate("document.activeElement.name || document.activeElement.className"))
        opened.page.keyboard.press("Tab")
    assert {"x", "y", "colour", "mode", "find", "with-spectrum", "overlay", "select-view"} <= reached


def test_prints_in_light_colours_the_plot_included(browser, report):
    with OpenPage(browser, report, color_scheme="dark") as opened:
        opened.page.emulate_media(media="print", color_scheme="dark")
        assert not opened.page.locator("#explorer .controls").is_visible()
        assert opened.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert opened.page.pdf(format="A4").startswith(b"%PDF")
        opened.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        ink, darkest = opened.page.evaluate(
            """() => {
              const flat = document.querySelector("#explorer canvas.print");
              const { data } = flat.getContext("2d").getImageData(0, 0, flat.width, flat.height);
              let [ink, darkest] = [0, 255];
              for (let at = 0; at < data.length; at += 4) {
                if (data[at + 3] < 200) continue;
                ink++;
                darkest = Math.min(darkest, data[at]);
              }
              return [ink, darkest];
            }"""
        )
        assert ink > 2000  # axes, grid and stars
        assert darkest < 60  # of the light theme's ink
        assert opened.page.locator("#explorer .print").is_visible()
        assert not opened.page.locator("#explorer .overlay").is_visible()
