"""Figures and the page that shows them."""

from halochem.report.figures import reconstructions

# name, name of the caption's file, category, catalog and title in Snakemake's own report
FIGURES = [
    ("drawn_labels", "drawn_labels", "Labels", "all", "abundances drawn"),
    ("reconstructions", "reconstructions", "Model", f"halo-{SETTINGS.seeds[0]}", "reconstructions"),
]
if reconstructions.detail_windows(pixel_grid(SETTINGS.spectrum)):
    FIGURES.append(
        ("reconstructions_detail", "reconstructions", "Model", f"halo-{SETTINGS.seeds[0]}", "reconstructions in detail")
    )
FIGURES.append(("error_over_bound", "error_over_bound", "Model", "all", "errors over the Cramér-Rao bound"))
for place, seed in enumerate(SETTINGS.seeds):
    for name, title in (("latents", "latents and abundances"), ("training_history", "training history")):
        FIGURES.append((f"{name}_halo-{seed}" if place else name, name, "Model", f"halo-{seed}", title))


rule report:
    input:
        catalogs=expand("results/catalogs/halo-{seed}.h5", seed=SETTINGS.seeds),
        models=expand("results/models/halo-{seed}/model.json", seed=SETTINGS.seeds),
        weights=expand("results/models/halo-{seed}/weights.safetensors", seed=SETTINGS.seeds),
        histories=expand("results/models/halo-{seed}/history.csv", seed=SETTINGS.seeds),
        tables=expand("results/tables/halo-{seed}.parquet", seed=SETTINGS.seeds),
        evaluations=expand("results/evaluation/halo-{seed}.json", seed=SETTINGS.seeds),
        summary="results/evaluation/summary.parquet",
        bounds=expand("results/evaluation/bounds-{seed}.parquet", seed=SETTINGS.seeds),
        peers=expand("results/evaluation/peers-{seed}.parquet", seed=SETTINGS.seeds),
        checks=emulator_checks(),
    output:
        [
            report(
                f"results/figures/{name}.png",
                caption=f"../report/{stem}.rst",
                category=category,
                labels={"catalog": catalog, "figure": title},
            )
            for name, stem, category, catalog, title in FIGURES
        ],
        page="results/report.html",
    log:
        "results/logs/report/report.log",
    benchmark:
        "results/benchmarks/report/report.tsv"
    conda:
        "../envs/training.yaml"
    threads: 2
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        models=expand("results/models/halo-{seed}", seed=SETTINGS.seeds),
        figures=subpath(output[0], parent=True),
    shell:
        "halochem report --catalog {input.catalogs} --model {params.models} --table {input.tables} "
        "--evaluation {input.evaluations} --summary {input.summary} "
        "--bounds {input.bounds} --peers {input.peers} --figures-dir {params.figures} "
        "--out {output.page} > {log} 2>&1"
