"""Make the emulator that is shipped in resources/emulator/: design, pack, fit, check; and compare.

design  which stars to compute directly (a label table for `halochem synthesize`)
pack    chunks of their spectra into a 16-bit batch of resources/emulator/spectra/
fit     networks to all batches (weights.safetensors, model.json)
check   its errors on the test stars, which it never saw (errors.json, card.md, figures)
compare a few stars of a catalog made with it, computed directly

docs/emulator.md says what each does and how good the shipped emulator is.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

SUMMARY = "make the emulator: design, pack, fit, check"

FOLDER = Path("resources/emulator")

log = logging.getLogger("halochem")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `halochem emulator`, by action."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    for name, (add, _, summary) in _ACTIONS.items():
        add(actions.add_parser(name, help=summary, description=summary))


def run(arguments: argparse.Namespace) -> None:
    """Run the action. Raises UserError on bad input."""
    _ACTIONS[arguments.action][1](arguments)


def _design_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--n", type=int, required=True, help="stars, test stars among them")
    parser.add_argument("--first", type=int, default=0, help="row of the design to begin with (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the design (%(default)s)")
    parser.add_argument(
        "--where-wrong",
        type=Path,
        metavar="DIR",
        help="folder of a fitted emulator: training stars only, most where its networks disagree; needs another --seed",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="label table to write (Parquet)")


def _pack_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("chunks", type=Path, nargs="+", metavar="CHUNK", help="HDF5 files of `halochem synthesize`")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="new batch (HDF5)")


def _fit_arguments(parser: argparse.ArgumentParser) -> None:
    _spectra_argument(parser)
    parser.add_argument("--config", metavar="FILE", help="configuration that the spectra were made with (spectrum.*)")
    for name, what in (
        ("components", "principal components"),
        ("hidden", "width of the hidden layers"),
        ("members", "networks in the ensemble"),
        ("epochs", "passes over the training stars"),
        ("seed", "seed of the fit"),
    ):
        parser.add_argument(f"--{name}", type=int, metavar="N", help=f"{what} (default: those of the shipped one)")
    parser.add_argument(
        "--structures",
        type=Path,
        default=Path("resources/atmospheres/c3k.npz"),
        metavar="FILE",
        help="the prepared c3k network, whose structures are seen and which the emulator carries (%(default)s)",
    )
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="of the processor (%(default)s)")
    parser.add_argument(
        "--work",
        type=Path,
        default=Path("results/emulator/fit"),
        metavar="DIR",
        help="keeps fitted members (%(default)s)",
    )
    parser.add_argument("--out", type=Path, default=FOLDER, metavar="DIR", help="folder to write (%(default)s)")


def _check_arguments(parser: argparse.ArgumentParser) -> None:
    _spectra_argument(parser)
    parser.add_argument("--emulator", type=Path, default=FOLDER, metavar="DIR", help="fitted emulator (%(default)s)")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="folder for figures (default: none drawn)")


def _compare_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", metavar="FILE", help="configuration of the run")
    parser.add_argument("--catalog", type=Path, required=True, metavar="FILE", help="emulated catalog (HDF5)")
    parser.add_argument("--stars", type=int, metavar="N", help="how many (default: synthesis.check_stars)")
    parser.add_argument(
        "--engine",
        type=Path,
        default=Path("resources/turbospectrum/engine.json"),
        metavar="FILE",
        help="description of the built Turbospectrum (%(default)s)",
    )
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="stars computed at a time (%(default)s)")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="differences (JSON)")


def _spectra_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--spectra", type=Path, default=FOLDER / "spectra", metavar="DIR", help="folder of packed batches (%(default)s)"
    )


def _design(arguments: argparse.Namespace) -> None:
    from halochem import __version__, files
    from halochem.errors import UserError
    from halochem.synthesize.emulator import design, model

    if arguments.n < 1 or arguments.first < 0 or arguments.seed < 0:
        raise UserError("--n must be 1 or more, --first and --seed 0 or more")
    if arguments.where_wrong:
        table = design.where_wrong(arguments.n, arguments.seed, model.load(arguments.where_wrong))
    else:
        table = design.design(arguments.n, arguments.seed, arguments.first)
    files.write_labels(table, arguments.out, {"halochem_version": __version__, "seed": str(arguments.seed)})
    test = table["star_id"].str.startswith(design.PREFIX[design.TEST]).sum()
    log.info("%s: %d training stars, %d test stars", arguments.out, len(table) - test, test)


def _pack(arguments: argparse.Namespace) -> None:
    from halochem.synthesize.emulator import store

    spectra = store.read_chunks(arguments.chunks)
    store.write_batch(spectra, arguments.out)
    log.info(
        "%s: %d spectra (%d for tests, %d failed), %.0f bytes a star",
        arguments.out,
        len(spectra.status),
        spectra.test.sum(),
        (~spectra.computed).sum(),
        arguments.out.stat().st_size / len(spectra.status),
    )


def _fit(arguments: argparse.Namespace) -> None:
    import torch

    from halochem import config as configuration
    from halochem.synthesize.atmospheres.c3k import C3K
    from halochem.synthesize.emulator import fit, model, store

    torch.set_num_threads(arguments.threads)
    chosen = {name: getattr(arguments, name) for name in ("components", "hidden", "members", "epochs", "seed")}
    settings = fit.Settings(**{name: value for name, value in chosen.items() if value is not None})
    spectrum = configuration.load(arguments.config).spectrum
    structures = C3K(arguments.structures).arrays
    emulator = fit.fit(store.load(arguments.spectra), spectrum, settings, arguments.work, structures)
    model.save(emulator, arguments.out)
    size = (arguments.out / model.WEIGHTS).stat().st_size
    log.info("%s: fitted to %d spectra, %.1f MB", arguments.out, emulator.document["stars"]["train"], size / 1e6)


def _check(arguments: argparse.Namespace) -> None:
    import json

    from halochem import files
    from halochem.synthesize.emulator import card, check, figures, model, store

    # From disk, so that the rounding of the stored weights is in the errors.
    emulator, spectra = model.load(arguments.emulator), store.load(arguments.spectra)
    errors = check.measure(emulator, spectra)
    summary = check.summary(errors, emulator)
    texts = {
        "errors.json": json.dumps(summary, indent=1, ensure_ascii=False) + "\n",
        "card.md": card.text(emulator.document, summary),
    }
    for name, text in texts.items():
        with files.atomic(arguments.emulator / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    rms, labels = summary["rms"], summary["label_error"]
    log.info("%d test stars: rms median %.4f, 95 %% %.4f", summary["test_stars"], rms["median"], rms["p95"])
    log.info("median |delta| %s", ", ".join(f"{name} {labels[name]['median']:.3g}" for name in labels))
    if arguments.figures:
        direct = spectra.flux[spectra.test & spectra.computed]
        for path in figures.write_all(errors, direct, arguments.figures):
            log.info("%s", path)


def _compare(arguments: argparse.Namespace) -> None:
    import json

    from halochem import config as configuration
    from halochem import files
    from halochem.synthesize.emulator import compare

    config = configuration.load(arguments.config)
    count = config.synthesis.check_stars if arguments.stars is None else arguments.stars
    found = compare.compare(arguments.catalog, config, arguments.engine, count, arguments.jobs)
    with files.atomic(arguments.out) as temporary:
        temporary.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for star in found["stars"]:
        log.info("%s: %s", star["star_id"], star["failed"] or f"rms {star['rms']:.4f}, largest {star['largest']:.3f}")


_ACTIONS = {
    "design": (_design_arguments, _design, "which stars to compute directly: a label table for `halochem synthesize`"),
    "pack": (_pack_arguments, _pack, "chunks of direct spectra into a 16-bit batch"),
    "fit": (_fit_arguments, _fit, "fit the networks to the training stars of all batches"),
    "check": (_check_arguments, _check, "errors on the test stars of all batches, card and figures"),
    "compare": (_compare_arguments, _compare, "a few stars of an emulated catalog, computed directly"),
}
