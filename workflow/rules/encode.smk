"""The product: one row of latents, abundances and flags a star."""


rule encode:
    input:
        catalog="results/catalogs/halo-{seed}.h5",
        weights="results/models/halo-{seed}/weights.safetensors",
        model="results/models/halo-{seed}/model.json",
    output:
        "results/tables/halo-{seed}.parquet",
    log:
        "results/logs/encode/halo-{seed}.log",
    benchmark:
        "results/benchmarks/encode/halo-{seed}.tsv"
    conda:
        "../envs/training.yaml"
    threads: 2
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        config=SETTINGS_FILE,
        settings=settings_of("encode"),
        model=subpath(input.weights, parent=True),
    shell:
        "halochem encode --config {params.config} --catalog {input.catalog} --model {params.model} "
        "--out {output} > {log} 2>&1"
