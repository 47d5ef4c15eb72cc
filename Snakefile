"""halochem: halo density, clean spectra, observed catalog, trained model, latent table, evaluation and report."""

from snakemake.utils import min_version

min_version("9.9")


configfile: "config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/sample.smk"
include: "workflow/rules/synthesize.smk"
include: "workflow/rules/observe.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/encode.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/manifest.smk"


wildcard_constraints:
    seed=r"0|[1-9]\d*",
    chunk=r"0|[1-9]\d*",
    # They reach a shell: nothing but numbers.
    snr=r"[\d.e+-]+",
    stars=r"\d+",


localrules:
    all,


# Not a rule: a rule that rewrites this file would hide from Snakemake which stages' own settings changed.
onstart:
    check_partitions()
    write_settings()


rule all:
    default_target: True
    input:
        expand("results/tables/halo-{seed}.parquet", seed=SETTINGS.seeds),
        "results/evaluation/summary.parquet",
        "results/report.html",
        "results/MANIFEST.json",
