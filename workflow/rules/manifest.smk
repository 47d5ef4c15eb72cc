"""What was made, with size, checksum and origin, after a look at whether it all fits together."""


rule manifest:
    input:
        labels=expand("results/labels/halo-{seed}.parquet", seed=SETTINGS.seeds),
        catalogs=expand("results/catalogs/halo-{seed}.h5", seed=SETTINGS.seeds),
        models=expand("results/models/halo-{seed}/model.json", seed=SETTINGS.seeds),
        tables=expand("results/tables/halo-{seed}.parquet", seed=SETTINGS.seeds),
        evaluations=expand("results/evaluation/halo-{seed}.json", seed=SETTINGS.seeds),
        summary="results/evaluation/summary.parquet",
        page="results/report.html",
    output:
        "results/MANIFEST.json",
    log:
        "results/logs/manifest/manifest.log",
    benchmark:
        "results/benchmarks/manifest/manifest.tsv"
    conda:
        "../envs/training.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
    params:
        config=SETTINGS_FILE,
        results=subpath(output[0], parent=True),
    shell:
        "halochem verify --write --config {params.config} {params.results} > {log} 2>&1"
