"""Figures and the page that shows them."""


rule report:
    input:
        catalogs=expand("results/catalogs/halo-{seed}.h5", seed=SETTINGS.seeds),
        models=expand("results/models/halo-{seed}/model.json", seed=SETTINGS.seeds),
        weights=expand("results/models/halo-{seed}/weights.safetensors", seed=SETTINGS.seeds),
        histories=expand("results/models/halo-{seed}/history.csv", seed=SETTINGS.seeds),
        tables=expand("results/tables/halo-{seed}.parquet", seed=SETTINGS.seeds),
        evaluations=expand("results/evaluation/halo-{seed}.json", seed=SETTINGS.seeds),
        summary="results/evaluation/summary.parquet",
        checks=emulator_checks(),
    output:
        report(
            "results/figures/drawn_labels.png",
            caption="../report/drawn_labels.rst",
            category="Labels",
            labels={"catalog": "all", "figure": "abundances drawn"},
        ),
        report(
            "results/figures/reconstructions.png",
            caption="../report/reconstructions.rst",
            category="Model",
            labels={"catalog": "first", "figure": "reconstructions"},
        ),
        report(
            "results/figures/latents.png",
            caption="../report/latents.rst",
            category="Model",
            labels={"catalog": "first", "figure": "latents and abundances"},
        ),
        report(
            "results/figures/training_history.png",
            caption="../report/training_history.rst",
            category="Model",
            labels={"catalog": "first", "figure": "training history"},
        ),
        page="results/report.html",
    log:
        "results/logs/report/report.log",
    benchmark:
        "results/benchmarks/report/report.tsv"
    conda:
        "../envs/training.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        models=expand("results/models/halo-{seed}", seed=SETTINGS.seeds),
        figures=subpath(output[0], parent=True),
    shell:
        "halochem report --catalog {input.catalogs} --model {params.models} --table {input.tables} "
        "--evaluation {input.evaluations} --summary {input.summary} --figures-dir {params.figures} "
        "--out {output.page} > {log} 2>&1"
