"""`halochem verify` on whole results and on damaged ones: one line a fault, status 1."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from halochem import cli

KINDS = {
    "labels": "labels/halo-1.parquet",
    "spectra": "spectra/halo-1/chunk-1.h5",
    "catalog": "catalogs/halo-1.h5",
    "weights": "models/halo-1/weights.safetensors",
    "model.json": "models/halo-1/model.json",
    "history": "models/halo-1/history.csv",
    "table": "tables/halo-1.parquet",
    "evaluation": "evaluation/halo-1.json",
    "summary": "evaluation/summary.parquet",
    "summary page": "evaluation/summary.md",
    "figure": "figures/latents.png",
    "report": "report.html",
}


def flip(path, place: float = 0.5) -> None:
    """Flip one bit in the byte at this share of a file."""
    data = bytearray(path.read_bytes())
    data[int(place * (len(data) - 1))] ^= 1
    path.write_bytes(data)


def rewrite(path, change, metadata=None) -> None:
    """Change a Parquet table as pandas sees it; its metadata stays, but for `metadata`."""
    whole = pq.read_table(path)
    frame = whole.to_pandas()
    frame = change(frame) if change else frame
    schema = whole.schema.with_metadata({**whole.schema.metadata, **(metadata or {})})
    pq.write_table(pa.Table.from_pandas(frame, schema, preserve_index=False), path)


def test_whole_results(verify):
    assert verify() == (0, [])


@pytest.mark.parametrize("place", [0.0, 0.3, 0.5, 0.98, 1.0])
@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_byte(verify, results, kind, place):
    flip(results / KINDS[kind], place)
    status, lines = verify()
    assert status == 1
    (line,) = lines
    assert line.startswith(f"{KINDS[kind]}: SHA-256 ")
    assert line.endswith("in MANIFEST.json; damaged, or made anew since")


def test_a_flipped_byte_in_the_manifest(verify, results):
    flip(results / "MANIFEST.json")
    status, lines = verify()
    assert status == 1
    assert len(lines) == 1
    assert lines[0].startswith("MANIFEST.json: damaged")


@pytest.mark.parametrize("kind", KINDS)
def test_truncated_and_missing(verify, results, kind):
    path = results / KINDS[kind]
    path.write_bytes(path.read_bytes()[:-1])
    status, lines = verify()
    assert (status, len(lines)) == (1, 1)
    assert lines[0].startswith(f"{KINDS[kind]}: {path.stat().st_size} bytes, but")
    path.unlink()
    assert verify() == (1, [f"{KINDS[kind]}: missing, but in MANIFEST.json; make it anew"])


def test_two_faults_are_two_lines(verify, results):
    flip(results / KINDS["table"])
    flip(results / KINDS["catalog"])
    status, lines = verify()
    assert status == 1
    assert [line.partition(":")[0] for line in lines] == [KINDS["catalog"], KINDS["table"]]


def test_new_product_is_a_note(verify, results):
    (results / "figures/more.png").write_bytes(b"x")
    status, (line,) = verify()
    assert status == 0
    assert line.startswith("note: figures/more.png: not in MANIFEST.json")


def test_manifest_missing(results, capsys):
    (results / "MANIFEST.json").unlink()
    assert cli.main(["verify", str(results)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "MANIFEST.json: no such file; `halochem verify --write" in line


def test_folder_missing(tmp_path, capsys):
    assert cli.main(["verify", str(tmp_path / "x")]) == 2
    assert "no such folder" in capsys.readouterr().err


# --- without checksums: what --write looks at -----------------------------------------------------------


@pytest.fixture
def faults(results, whole_results, capsys):
    """The faults that keep `verify --write` from writing."""

    def run() -> list[str]:
        before = (results / "MANIFEST.json").read_bytes()
        capsys.readouterr()
        status = cli.main(["verify", "--write", str(results), "--config", str(whole_results / "c.yaml")])
        lines = capsys.readouterr().out.splitlines()[:-1]
        assert status == (1 if lines else 0)
        assert not lines or (results / "MANIFEST.json").read_bytes() == before
        return [line.replace(f"{results}/", "") for line in lines]

    return run


def test_nothing_wrong(faults):
    assert faults() == []


def place_of_data(path) -> int:
    """Where the data of a column, of pixels or of a tensor lie in a file."""
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            chunk = file["flux"].id.get_chunk_info(0)
            return chunk.byte_offset + chunk.size // 2
    if path.suffix == ".parquet":
        column = pq.ParquetFile(path).metadata.row_group(0).column(2)
        return column.data_page_offset + column.total_compressed_size // 2
    return path.stat().st_size // 2


@pytest.mark.parametrize("kind", ["spectra", "catalog", "table", "weights"])
def test_checksums_within_the_files(faults, results, kind):
    """fletcher32 in HDF5, page checksums in Parquet, model.json's of the weights."""
    path = results / KINDS[kind]
    data = bytearray(path.read_bytes())
    data[place_of_data(path)] ^= 1
    path.write_bytes(data)
    (line,) = faults()
    assert line.startswith(f"{KINDS[kind]}: ")
    assert ("SHA-256" if kind == "weights" else "not readable") in line


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("rho_m_c", 1.5, "column rho_m_c, row 7 (halo-1-000007): 1.5, expected -1 to 1"),
        ("chi2_reduced", -0.1, "column chi2_reduced, row 7 (halo-1-000007): -0.1, expected 0 or more"),
        ("z_m", np.inf, "column z_m, row 7 (halo-1-000007): inf, expected finite numbers or NaN"),
        ("z_m", np.nan, "column z_m, row 7 (halo-1-000007): NaN, expected a number: it has a spectrum"),
        ("split", "trial", "column split, row 7 (halo-1-000007): trial, expected train or test"),
        ("star_id", "halo-1-000008", "star_id halo-1-000008 is there twice"),
        ("star_id", "halo-2-000007", "star_id, row 7 (halo-2-000007): not the star that the catalog has there"),
        ("snr", 1234.0, "column snr, row 7 (halo-1-000007): 1234.0, but"),
        ("feh_true", 0.25, "column feh_true, row 7 (halo-1-000007): 0.25, but"),
        ("teff_obs", 4321.0, "column teff_obs, row 7 (halo-1-000007): 4321.0, but"),
        ("status", 1, "column status, row 7 (halo-1-000007): 1, but 0 in the catalog"),
    ],
)
def test_values_of_the_table(faults, results, column, value, said):
    def change(frame):
        frame.loc[7, column] = value
        return frame

    rewrite(results / KINDS["table"], change)
    (line,) = faults()
    assert line.startswith(f"{KINDS['table']}: {said}")


def test_more_rows_than_one(faults, results):
    def change(frame):
        frame.loc[7:9, "snr"] = -1.0
        return frame

    rewrite(results / KINDS["table"], change)
    assert "row 7 (halo-1-000007) and 2 more: -1.0, expected 0 or more" in faults()[0]


def test_failed_star_with_numbers(faults, results):
    def change(frame):
        frame.loc[4, ["z_m", "flag_cemp"]] = [0.5, True]
        return frame

    rewrite(results / KINDS["table"], change)
    assert [line.partition(": ")[2] for line in faults()] == [
        "column z_m, row 4 (halo-1-000004): a number, but it has no spectrum",
        "row 4 (halo-1-000004): flagged, but it has no spectrum",
    ]


def test_rows_missing_in_the_table(faults, results):
    rewrite(results / KINDS["table"], lambda frame: frame.iloc[:-1])
    assert faults() == [f"{KINDS['table']}: 59 stars, but 60 in the catalog"]


def test_columns_of_the_table(faults, results):
    path = results / KINDS["table"]
    whole = pq.read_table(path)
    pq.write_table(whole.drop_columns(["snr"]), path)
    assert "columns are not those of docs/data-dictionary.md (snr)" in faults()[0]
    field = whole.schema.field("teff").with_metadata({"unit": "kK", "description": "hot", "ucd": "phys.temperature"})
    pq.write_table(whole.cast(whole.schema.set(whole.schema.get_field_index("teff"), field)), path)
    lines = faults()
    assert len(lines) == 3
    assert f"{KINDS['table']}: column teff: unit 'kK', expected 'K'" in lines


def test_table_of_another_schema_or_model(faults, results):
    rewrite(results / KINDS["table"], None, {b"halochem.schema_version": b"0"})
    assert "schema version 0, expected 1" in faults()[0]
    rewrite(results / KINDS["table"], None, {b"halochem.schema_version": b"1", b"halochem.model_weights_sha256": b"f0"})
    assert "made by the model f0..., but that of its seed is" in faults()[0]


def edit(path, change) -> None:
    with h5py.File(path, "r+") as file:
        change(file)


def test_catalog_of_other_labels(faults, results):
    def change(file):
        file["labels/feh"][3] = 0.5

    edit(results / KINDS["catalog"], change)
    (line,) = faults()
    assert line.startswith(f"{KINDS['catalog']}: /labels/feh, row 3 (halo-1-000003): 0.5, but")
    assert line.endswith("in the label table")


def test_nan_in_a_spectrum(faults, results):
    def change(file):
        file["flux"][3, 5] = np.nan

    edit(results / KINDS["catalog"], change)
    assert faults()[0].endswith("/flux, row 3 (halo-1-000003): NaN, but its status says that it was computed")


def test_pixels_out_of_order(faults, results):
    def change(file):
        file["wavelength"][3] = 4000.0

    edit(results / KINDS["spectra"], change)
    assert faults() == [f"{KINDS['spectra']}: /wavelength does not increase from pixel to pixel"]


def test_rows_of_a_catalog(faults, results):
    def change(file):
        del file["status"]
        file["status"] = np.zeros(59, np.uint8)

    edit(results / KINDS["catalog"], change)
    assert faults() == [f"{KINDS['catalog']}: /status has 59 rows, expected 60"]


def test_model_of_other_weights(faults, results):
    path = results / KINDS["model.json"]
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"weights_sha256": "0" * 64}))
    lines = faults()
    assert len(lines) == 2  # its table too is of another model now
    assert lines[0].startswith(KINDS["weights"])
    assert lines[0].endswith("but 000000000000... in model.json; train anew")
    assert "made by the model" in lines[1]


def test_evaluation_of_another_table(faults, results):
    path = results / KINDS["evaluation"]
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | {"n_test": 3}))
    test = pd.read_parquet(results / KINDS["table"]).query("split == 'test' and status != 2")
    assert faults() == [f"{KINDS['evaluation']}: n_test is 3, but {len(test)} in the table"]


def test_write_needs_the_settings(results, capsys):
    assert cli.main(["verify", "--write", str(results)]) == 2
    assert "config.yaml: no such file; name the configuration" in capsys.readouterr().err
    assert cli.main(["verify", "--write", str(results), "--inputs", "nosuch"]) == 2
    assert "--inputs nosuch: no such file" in capsys.readouterr().err
