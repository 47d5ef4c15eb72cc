"""What each part of the model does: trainings without it, on several emulated catalogs.

    python benchmarks/model/ablation.py run --folder results/ablation [--variants fast oracle] [--seeds 1 2 3]
    python benchmarks/model/ablation.py page --folder results/ablation

The first makes the catalogs with the pipeline's own commands, trains each variant of variants.py on each, encodes,
evaluates on the held-out stars, and leaves one small JSON a training; those that are there are not made again, so that
it can be ended and started at leisure. The second writes docs/benchmarks/ablation.md, its figure, and the numbers of
all trainings in docs/benchmarks/ablation.jsonl.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STARS, CHUNK = 12_000, 6000
SEEDS = (1, 2, 3)
KEPT = ("r.", "rmse_linear.", "rmse_w.", "probe_r2.", "sigma_linear.", "relative_l2.all", "coverage.")


def settings(train: dict[str, Any], stars: int = STARS):
    """The quickstart's configuration with other trainings, a halochem.config.Config; of `train.fast` too."""
    import yaml

    from halochem import config

    values = yaml.safe_load((ROOT / "config" / "quickstart.yaml").read_text(encoding="utf-8"))
    values["sample"] = {"n_stars": stars}
    values["synthesis"]["chunk_size"] = CHUNK
    values["train"] = train
    return config.validate(values, "the ablation's configuration")


def make_catalog(seed: int, stars: int, folder: Path) -> Path:
    """The catalog of a seed, by `halochem sample`, `synthesize` and `observe`; made once."""
    import yaml

    path = folder / "catalogs" / f"halo-{seed}.h5"
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    labels, common = path.with_suffix(".labels.parquet"), path.with_suffix(".yaml")
    common.write_text(yaml.safe_dump(settings({}, stars).dump()), encoding="utf-8")
    _halochem("sample", "--config", common, "--seed", seed, "--out", labels)
    chunks = [path.with_suffix(f".chunk-{k}.h5") for k in range(-(-stars // CHUNK))]
    for k, chunk in enumerate(chunks):
        _halochem("synthesize", "--config", common, "--labels", labels, "--chunk", k, "--out", chunk)
    _halochem("observe", "--config", common, "--labels", labels, "--spectra", *chunks, "--out", path)
    for chunk in chunks:
        chunk.unlink()
    return path


def _halochem(*words: Any) -> None:
    subprocess.run([sys.executable, "-m", "halochem.cli", *map(str, words)], cwd=ROOT, check=True)


def train(name: str, catalog_path: Path, folder: Path, stars: int = STARS) -> dict[str, Any]:
    """One training of the variant `name`, its model and table left in `folder`: the numbers, as JSON takes them.

    The noise-free flux is there for the evaluation, and for the experiment that says so.
    """
    from variants import VARIANTS

    from halochem import files
    from halochem.encode import product
    from halochem.evaluate import evaluation, table
    from halochem.train import loop, model_files

    variant = VARIANTS[name]
    config = settings(variant.train, stars)
    catalog = files.read_catalog(catalog_path)
    out = folder / f"halo-{catalog.seed}" / name
    watch = [time.monotonic(), time.process_time()]
    with variant.experiment(catalog, config) if variant.experiment else contextlib.nullcontext():
        if variant.base:
            base = folder / f"halo-{catalog.seed}" / variant.base
            model = model_files.load(base) if config.train.fast.latent_scale == "halo" else rescaled(base, config)
        else:
            loop.fit(replace(catalog, flux_clean=None), config, out)
            model = model_files.load(out)
        spent = [time.monotonic() - watch[0], time.process_time() - watch[1]]
        product.make(catalog, model, config, out / "table.parquet")
    frame, seed, _ = table.read(out / "table.parquet")
    found = evaluation.evaluate(frame, seed)
    numbers = {
        key: _rounded(number.detail.get("signed", number.value))
        for key, number in found.numbers.items()
        if key.startswith(KEPT)
    }
    return {
        "variant": name,
        "seed": seed,
        "stars": len(frame),
        "test_stars": found.n_test,
        "wall_seconds": round(spent[0], 1),
        "cpu_seconds": round(spent[1], 1),
        "commit": _commit(),
        "numbers": {key: value for key, value in numbers.items() if value is not None},
    }


def rescaled(folder: Path, config):
    """The model in `folder` with its latents on the scale of `config`.

    Of the weights, only the shift that straightens carbon's latent has been learnt on the scale of the density.
    """
    from halochem.train import model_files
    from halochem.train.halo_scale import Triangle
    from halochem.train.losses import prior_cholesky

    model = model_files.load(folder)
    sign = model.vae.scale.sign
    model.vae.scale = Triangle(prior_cholesky(config.train.prior_correlation))
    model.vae.scale.sign.copy_(sign)
    return model


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _commit() -> str:
    words = ["git", "log", "-1", "--format=%h"]
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()


def run(folder: Path, variants: list[str], seeds: list[int], stars: int) -> None:
    """All that is not there yet, variant by variant."""
    import torch

    torch.set_num_threads(1)
    for name in variants:
        for seed in seeds:
            path = folder / f"{name}-{seed}.json"
            if path.is_file():
                continue
            result = train(name, make_catalog(seed, stars, folder), folder / "models", stars)
            path.write_text(json.dumps(result) + "\n", encoding="utf-8")
            r = [result["numbers"].get(f"r.{pair}") for pair in ("z_m.feh", "z_c.c_fe", "z_alpha.alpha_fe")]
            print(f"{time.strftime('%H:%M:%S')} {name} {seed}: r {r}, {result['cpu_seconds']:.0f} s of CPU", flush=True)


def results(folder: Path) -> list[dict[str, Any]]:
    """What `run` left, in the order of VARIANTS and of the seeds."""
    from variants import VARIANTS

    found = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")]
    order = list(VARIANTS)
    return sorted(
        (one for one in found if one["variant"] in order), key=lambda one: (order.index(one["variant"]), one["seed"])
    )


def main() -> None:
    """The command line."""
    from variants import VARIANTS

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "page"))
    parser.add_argument("--folder", type=Path, default=ROOT / "results" / "ablation")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS), metavar="NAME")
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS))
    parser.add_argument("--stars", type=int, default=STARS)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    if given.what == "run":
        run(given.folder.resolve(), given.variants, given.seeds, given.stars)
    else:
        import ablation_page

        ablation_page.write(results(given.folder))


if __name__ == "__main__":
    main()
