"""docs/files.md against files that the stages write: every path, type, shape, unit and example."""

from __future__ import annotations

import json
import re
import shlex
import shutil

import h5py
import numpy as np
import pyarrow.parquet as pq
import pytest

from halochem import cli, config, files
from halochem.files import LABELS
from halochem.observe import catalog as catalog_module
from halochem.synthesize.engines import TurbospectrumEngine
from toy_chunks import WAVELENGTH
from toy_results import CHUNK, EPOCHS, N_STARS


@pytest.fixture(scope="module")
def page(root) -> str:
    return (root / "docs" / "files.md").read_text(encoding="utf-8")


def section(page: str, title: str) -> str:
    return re.split(r"^## ", page.split(f"\n## {title}\n")[1], flags=re.MULTILINE)[0]


def rows(text: str, first_header: str) -> list[list[str]]:
    """The cells of the table whose first column has this header, without backquotes."""
    lines = text.split(f"| {first_header} |", 1)[1].splitlines()[2:]
    table = []
    for line in lines:
        if not line.startswith("|"):
            break
        table.append([cell.strip().strip("`") for cell in line.strip("|").split("|")])
    return table


@pytest.fixture(scope="module")
def results(toy_results, tmp_path_factory):
    """The folder that holds results/, with its manifest."""
    folder = tmp_path_factory.mktemp("page")
    shutil.copytree(toy_results, folder, dirs_exist_ok=True)
    assert cli.main(["verify", "--write", str(folder / "results"), "--config", str(folder / "c.yaml")]) == 0
    return folder


def test_columns_of_the_labels(page):
    described = {name: (unit, meaning) for name, _, unit, meaning in rows(section(page, "Labels"), "column")}
    assert described == LABELS


@pytest.mark.parametrize(
    ("title", "path", "sizes"),
    [
        ("Chunks of clean spectra", "results/spectra/halo-1/chunk-1.h5", {"m": CHUNK, "p": len(WAVELENGTH), "1": 1}),
        ("Catalogs", "results/catalogs/halo-1.h5", {"n": N_STARS, "p": len(WAVELENGTH), "1": 1}),
    ],
)
def test_layout_of_the_hdf5_files(page, results, title, path, sizes):
    described = {name: rest for name, *rest in rows(section(page, title), "path")}
    found = {}
    with h5py.File(results / path) as file:

        def visit(name, item):
            if isinstance(item, h5py.Dataset):
                kind = "string" if item.dtype.kind in "SO" else item.dtype.name
                found[f"/{name}"] = (kind, item.shape, item.attrs.get("unit", ""))

        file.visititems(visit)
    assert set(found) == set(described)
    for name, (kind, shape, unit, meaning) in described.items():
        expected = tuple(sizes[size] for size in re.findall(r"\w+", shape))
        assert found[name] == (kind, expected, unit), name
        assert meaning


def test_attributes_of_the_hdf5_files(page, results, installation):
    chunks = {name for name, _ in rows(section(page, "Chunks of clean spectra"), "attribute of the root")}
    engine = TurbospectrumEngine(config.Config(), installation)
    assert chunks == {"schema_version", "first_row", "seed", "config_hash", "halochem_version", "resolution"} | set(
        engine.settings
    )
    more = {name for name, _ in rows(section(page, "Catalogs"), "attribute of the root")}
    with (
        h5py.File(results / "results/catalogs/halo-1.h5") as catalog,
        h5py.File(results / "results/spectra/halo-1/chunk-0.h5") as first,
    ):
        assert set(catalog.attrs) == (set(first.attrs) - {"first_row"}) | more | {"halochem_version"}


def test_rounding_as_stated(page):
    largest = catalog_module.QUANTUM / 2
    assert "multiples of 2^-16" in page
    assert catalog_module.QUANTUM == 2.0**-16
    assert f"off by at most {largest:.2g}".replace("e-0", "e-") in page
    assert f"1/{0.02 / largest:.2g}" == "1/2.6e+03"
    assert "1/2600 of the noise at S/N 50" in page
    assert f"blocks of {catalog_module.BLOCK_ROWS} stars" in page


def test_keys_of_the_model_and_of_the_evaluation(page, results):
    for title, header, path in (
        ("Models", "key of `model.json`", "results/models/halo-1/model.json"),
        ("Evaluations", "key of the evaluation", "results/evaluation/halo-1.json"),
        ("Manifest", "key of the manifest", "results/MANIFEST.json"),
    ):
        document = json.loads((results / path).read_text())
        assert [name for name, _ in rows(section(page, title), header)] == list(document)
    (numbers,) = [
        meaning for name, meaning in rows(section(page, "Evaluations"), "key of the evaluation") if name == "numbers"
    ]
    numbers_document = json.loads((results / "results/evaluation/halo-1.json").read_text())
    assert all(name in numbers for name in numbers_document["numbers"][0])
    (entry,) = [meaning for name, meaning in rows(section(page, "Manifest"), header) if name == "products"]
    assert all(name in entry for name in document["products"]["tables/halo-1.parquet"])


def test_metadata_of_the_table(page, results):
    text = section(page, "Tables")
    metadata = pq.read_schema(results / "results/tables/halo-1.parquet").metadata
    ours = {name.decode() for name in metadata if name.startswith(b"halochem.")}
    assert set(re.findall(r"`(halochem\.[\w.]+)`", text)) == ours


def examples(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)


def test_examples_run_and_need_no_halochem(page, results, monkeypatch):
    monkeypatch.chdir(results)
    scopes = []
    for example in examples(page):
        if "from halochem" in example:
            continue
        scopes.append({})
        exec(compile(example, "docs/files.md", "exec"), scopes[-1])
    labels_, chunk_, one, frame, mine, model, table, evaluation, manifest = scopes
    assert 0 < len(labels_["giants"]) < N_STARS
    assert chunk_["failed"].tolist() == ["halo-1-000004"]
    assert one["star"]["star_id"] == b"halo-1-000007"
    assert (one["unit"], one["engine"], len(one["usable"])) == ("K", "toy", N_STARS - 1)
    assert frame["labels"]["star_id"].tolist() == labels_["labels"]["star_id"].tolist()
    assert model["weights"]["wavelength"].tolist() == WAVELENGTH.tolist()
    assert len(model["history"]) == EPOCHS
    assert 0 < len(table["test"]) < N_STARS
    assert table["unit"] == b"K"
    assert str(table["with_units"]["teff"].unit) == "K"
    assert np.isfinite(evaluation["numbers"]["r.z_m.feh"])
    assert manifest["same"]
    read = files.read_catalog(results / "mine.h5")
    assert read.labels["star_id"].tolist() == ["one", "two", "three"]
    assert read.wavelength.tolist() == mine["wavelength"].tolist()


def test_example_with_specutils(page, results, monkeypatch):
    pytest.importorskip("specutils", minversion="2.0")
    monkeypatch.chdir(results)
    (example,) = [example for example in examples(page) if "from halochem" in example]
    scope: dict = {}
    exec(compile(example, "docs/files.md", "exec"), scope)
    assert scope["star"].flux.shape == scope["clean"].flux.shape == (len(WAVELENGTH),)
    assert scope["some"].flux.shape == (10, len(WAVELENGTH))
    assert 3000 < scope["temperature"] < 7000
    assert len(scope["everything_known"]) == 10


def commands(page: str) -> list[list[str]]:
    """The halochem commands of the page's examples, as words."""
    return [shlex.split(line, comments=True)[1:] for line in page.splitlines() if line.startswith("halochem ")]


def test_commands_of_the_page(page, results, monkeypatch):
    monkeypatch.chdir(results)
    # Where the workflow leaves the settings.
    shutil.copy("c.yaml", "results/config.yaml")
    found = commands(page)
    assert [words[0] for words in found] == ["export", "export", "verify", "verify"]
    for words in found:
        assert cli.main(words) == 0
    assert (results / "stars.fits").stat().st_size > 0
    assert (results / "cemp.vot").stat().st_size > 0


def test_every_part_of_the_page_is_linked(page):
    titles = {title.lower().replace(" ", "-") for title in re.findall(r"^## (.+)$", page, flags=re.MULTILINE)}
    assert set(re.findall(r"\]\(#([\w-]+)\)", page)) == titles
