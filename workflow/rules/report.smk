"""Figures and the page that shows them."""

from halochem.report.figures import reconstructions

# name, name of the caption's file, category, catalog and title in Snakemake's own report
FIGURES = [
    ("fig2_labels", "drawn_labels", "Labels", "all", "abundances drawn"),
    ("fig3_reconstructions", "reconstructions", "Model", f"halo-{SETTINGS.seeds[0]}", "reconstructions"),
]
if reconstructions.detail_windows(pixel_grid(SETTINGS.spectrum)):
    FIGURES.append(
        (
            "fig3_reconstructions_detail",
            "reconstructions",
            "Model",
            f"halo-{SETTINGS.seeds[0]}",
            "reconstructions in detail",
        )
    )
FIGURES += [
    ("fig5_flags", "flags", "Model", f"halo-{SETTINGS.seeds[0]}", "flagged stars"),
    ("fig6_snr", "snr", "Model", "all", "errors by S/N"),
    ("fig7_anomalies", "anomalies", "Model", "all", "spoilt spectra"),
    ("error_over_bound", "error_over_bound", "Model", "all", "errors over the Cramér-Rao bound"),
]
if SETTINGS.evaluate.gradient_flow:
    FIGURES.append(("figC1_gradient_flow", "gradient_flow", "Model", "all", "gain by selective gradient flow"))
if SETTINGS.evaluate.training_sizes:
    FIGURES.append(("figF1_training_sizes", "training_sizes", "Model", "all", "size of the training set"))
for place, seed in enumerate(SETTINGS.seeds):
    for name, stem, title in (
        ("fig4_latents", "latents", "latents and abundances"),
        ("training_history", "training_history", "training history"),
    ):
        FIGURES.append((f"{name}_halo-{seed}" if place else name, stem, "Model", f"halo-{seed}", title))


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
        anomalies=expand("results/evaluation/anomalies-{seed}.parquet", seed=SETTINGS.seeds),
        sizes=sizes_asked(),
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
        sizes=lambda wildcards, input: f"--training-sizes {input.sizes}" if input.sizes else "",
    shell:
        "halochem report --catalog {input.catalogs} --model {params.models} --table {input.tables} "
        "--evaluation {input.evaluations} --summary {input.summary} "
        "--bounds {input.bounds} --peers {input.peers} --anomalies {input.anomalies} {params.sizes} "
        "--figures-dir {params.figures} "
        "--out {output.page} > {log} 2>&1"
