"""Everything from labels to the summary of seed 1, made by the real stages but for the synthesis (toy_chunks)."""

from __future__ import annotations

from pathlib import Path

import yaml

from halochem import cli, files
from halochem.synthesize import chunk
from toy_chunks import SETTINGS, WAVELENGTH, Synthesiser, labels

N_STARS, CHUNK = 60, 20
EPOCHS = 2
REGIONS = {"iron": [[5001, 5020]], "carbon": [[5022, 5040]], "alpha": [[5042, 5068]]}


def make(folder: Path) -> None:
    """Write `folder`/results, and the configuration that made it as `folder`/c.yaml. Star 4 has no spectrum."""
    results = folder / "results"
    frame = labels(N_STARS, seed=1)
    files.write_labels(frame, results / "labels/halo-1.parquet", {"seed": "1"})
    synthesiser = Synthesiser(fails_twice=[frame.teff[4]], out_of_grid=[frame.teff[2]])
    chunks = [results / f"spectra/halo-1/chunk-{k}.h5" for k in range(N_STARS // CHUNK)]
    for k, path in enumerate(chunks):
        rows = chunk.rows_of_chunk(N_STARS, CHUNK, k)
        chunk.run(frame, rows, synthesiser, WAVELENGTH, SETTINGS | {"seed": "1"}, path)
    (folder / "regions.yaml").write_text(yaml.safe_dump(REGIONS))
    train = {"encoder": "mlp", "epochs": EPOCHS, "batch_size": 16, "device": "cpu"}
    train |= {"regions": str(folder / "regions.yaml")}
    (folder / "c.yaml").write_text(yaml.safe_dump({"train": train, "encode": {"n_labelled": 10}}))
    catalog, model = results / "catalogs/halo-1.h5", results / "models/halo-1"
    table, evaluations = results / "tables/halo-1.parquet", results / "evaluation"
    # Both are empty: no emulator is of these spectra, and the stars are too few for peers.
    bounds, peers = evaluations / "bounds-1.parquet", evaluations / "peers-1.parquet"
    spoilt = evaluations / "anomalies-1.parquet"
    beside = ["--bounds", bounds, "--peers", peers, "--anomalies", spoilt]
    for words in (
        ["observe", "--labels", results / "labels/halo-1.parquet", "--spectra", *chunks, "--out", catalog],
        ["train", "--config", folder / "c.yaml", "--catalog", catalog, "--out", model],
        ["encode", "--config", folder / "c.yaml", "--catalog", catalog, "--model", model, "--out", table],
        ["evaluate", "--limits-of", catalog, "--config", folder / "c.yaml", "--out", bounds],
        ["evaluate", "--peers-of", catalog, "--config", folder / "c.yaml", "--out", peers],
        ["evaluate", "--anomalies-of", catalog, "--model", model, "--config", folder / "c.yaml", "--out", spoilt],
        ["evaluate", "--table", table, *beside, "--out", evaluations / "halo-1.json"],
        ["evaluate", "--summary", evaluations / "halo-1.json", "--out", evaluations / "summary.parquet"],
    ):
        assert cli.main([str(word) for word in words]) == 0
