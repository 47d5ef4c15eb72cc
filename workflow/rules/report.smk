"""Figures and the page that shows them."""


rule report:
    input:
        catalogs=expand("results/catalogs/halo-{seed}.h5", seed=SETTINGS.seeds),
        models=expand("results/models/halo-{seed}/model.json", seed=SETTINGS.seeds),
        histories=expand("results/models/halo-{seed}/history.csv", seed=SETTINGS.seeds),
        tables=expand("results/tables/halo-{seed}.parquet", seed=SETTINGS.seeds),
        evaluations=expand("results/evaluation/halo-{seed}.json", seed=SETTINGS.seeds),
        summary="results/evaluation/summary.parquet",
    output:
        "results/report.html",
    log:
        "results/logs/report/report.log",
    benchmark:
        "results/benchmarks/report/report.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        models=expand("results/models/halo-{seed}", seed=SETTINGS.seeds),
        figures="results/figures",
    shell:
        "halochem report --catalog {input.catalogs} --model {params.models} --table {input.tables} "
        "--evaluation {input.evaluations} --summary {input.summary} --figures-dir {params.figures} "
        "--out {output} > {log} 2>&1"
