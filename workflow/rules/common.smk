"""What the rules share: the checked settings, and the settings and files that a job depends on."""

import math
import os
import re
import sys

import yaml

try:
    from halochem import regions
    from halochem.config import validate
    from halochem.doctor.checks import partitions
    from halochem.errors import UserError
    from halochem.files import atomic
    from halochem.synthesize.build import own_code
    from halochem.synthesize.engines import check_settings
    from halochem.wavelengths import pixel_grid
except ModuleNotFoundError as error:
    sys.exit(f"{sys.executable} has no {error.name}: run `make`, or `pip install -r requirements.lock -e .` there")

# `.venv/bin/snakemake` typed without activating the environment finds the `halochem` beside it, in jobs too.
os.environ.update(PATH=os.pathsep.join([os.path.dirname(sys.executable), *os.get_exec_path()]))

try:
    SETTINGS = validate(config, " over ".join(map(os.path.relpath, workflow.configfiles)))
    # What would stop a later stage is refused now, before days of synthesis.
    check_settings(SETTINGS)
    regions.pixel_masks(regions.of(SETTINGS.train), pixel_grid(SETTINGS.spectrum), SETTINGS.train.regions)
except UserError as error:
    sys.exit(f"halochem: {error}")

SETTINGS_FILE = "results/config.yaml"
STARS_IN_JOB = SETTINGS.synthesis.stars_in_job(SETTINGS.sample.n_stars)
# Preset fast computes on one core, whatever there is (halochem.train.acceleration).
TRAINING_THREADS = 1 if SETTINGS.train.preset == "fast" else 8
# Of a job that fails. Not once more within a job of a cluster, whose own Snakemake reads these rules too.
MORE_TRIES = 2 if workflow.is_main_process else 0
# Experiments that train again, where the configuration asks for them.
TRAINING_SIZES = "results/evaluation/training-sizes.parquet"
# What makes no other model: where it trains, how often it saves its state, whether TensorBoard may look on.
NOT_IN_WEIGHTS = ("train.device", "train.checkpoint_every", "train.tensorboard")


def write_settings():
    """Write the merged settings for the jobs of this run."""
    with atomic(SETTINGS_FILE) as temporary:
        temporary.write_text(yaml.safe_dump(SETTINGS.dump(), sort_keys=False), encoding="utf-8")


def check_partitions():
    """Refuse a partition that the cluster does not have now: Slurm itself would, after days of synthesis."""
    if getattr(workflow.executor_plugin, "name", None) != "slurm":
        return
    known = partitions()
    for rule_name, asked in workflow.resource_settings.overwrite_resources.items():
        # A list of partitions is one, too; an expression is not looked into.
        named = str(asked["slurm_partition"].raw).split(",") if "slurm_partition" in asked else []
        for name in named if known else []:
            if re.fullmatch(r"[\w.-]+", name) and name not in known:
                sys.exit(
                    f"halochem: set-resources: {rule_name}: slurm_partition: no {name} here (there are "
                    f"{', '.join(sorted(known))}); edit the profile (docs/cluster.md)"
                )


def settings_of(*sections, without=()):
    """The settings of these sections of the configuration, by dotted key, but for those in `without`.

    As `params` of a rule they make Snakemake run it again when, and only when, one of them changes.
    """
    values = SETTINGS.dump()
    return {
        f"{section}.{key}": value
        for section in sections
        for key, value in values[section].items()
        if f"{section}.{key}" not in without
    }


def chunks(wildcards):
    """The files of clean spectra of a catalog, in the order of its stars."""
    count = math.ceil(SETTINGS.sample.n_stars / STARS_IN_JOB)
    return [f"results/spectra/halo-{wildcards.seed}/chunk-{chunk}.h5" for chunk in range(count)]


def engine_files():
    """What an engine needs beside its settings: the built Turbospectrum, or the weights of the emulator."""
    if SETTINGS.synthesis.engine == "ispec":
        return []  # the user's own, wherever it lies
    if SETTINGS.synthesis.engine != "emulator":
        return ["resources/turbospectrum/engine.json"]
    return [str(SETTINGS.synthesis.emulator_dir / name) for name in ("model.json", "weights.safetensors")]


def emulator_at_hand():
    """The emulator's files, where they are there: without them there are no bounds, and that is said in their place."""
    paths = [SETTINGS.synthesis.emulator_dir / name for name in ("model.json", "weights.safetensors")]
    return [str(path) for path in paths if path.is_file() or SETTINGS.synthesis.engine == "emulator"]


def emulator_checks():
    """The comparison of the first catalog with direct spectra, where it is emulated and one is asked for."""
    asked = SETTINGS.synthesis.engine == "emulator" and SETTINGS.synthesis.check_stars > 0
    return [f"results/catalogs/halo-{SETTINGS.seeds[0]}.check.json"] if asked else []


def observed_stars(wildcards):
    """The user's own tables of observed stars, where the configuration names them."""
    return [str(path) for path in (SETTINGS.sample.p_table, SETTINGS.sample.q_table) if path is not None]


def without_flow(wildcards):
    """The evaluation of the catalog's model without selective gradient flow."""
    asked = SETTINGS.evaluate.gradient_flow
    return [f"results/evaluation/without-flow-{wildcards.seed}.json"] if asked else []


def sizes_asked():
    """The table of training sizes."""
    return [TRAINING_SIZES] if SETTINGS.evaluate.training_sizes else []


def trainings(wildcards):
    """Every training of another size and S/N."""
    return expand(
        "results/evaluation/training-sizes/halo-{seed}_snr-{snr}_stars-{stars}.json",
        seed=SETTINGS.seeds,
        snr=[f"{snr:g}" for snr in SETTINGS.evaluate.training_snr],
        stars=SETTINGS.evaluate.training_sizes,
    )
