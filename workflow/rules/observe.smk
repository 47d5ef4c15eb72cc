"""One catalog file of observed spectra from the chunks of clean ones."""


rule observe:
    input:
        labels="results/labels/halo-{seed}.parquet",
        spectra=chunks,
    output:
        "results/catalogs/halo-{seed}.h5",
    log:
        "results/logs/observe/halo-{seed}.log",
    benchmark:
        "results/benchmarks/observe/halo-{seed}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        config=SETTINGS_FILE,
        settings=settings_of("observe"),
    shell:
        "halochem observe --config {params.config} --labels {input.labels} --spectra {input.spectra} "
        "--out {output} > {log} 2>&1"
