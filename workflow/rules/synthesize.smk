"""Clean spectra: the engine is made ready once, then each job computes a chunk of stars."""


# Needs the network, which the compute nodes of many clusters lack.
localrules:
    prepare_engine,


rule prepare_engine:
    input:
        "resources/linelists/manifest.yaml",
    output:
        "resources/turbospectrum/engine.json",
    log:
        "results/logs/synthesize/prepare.log",
    benchmark:
        "results/benchmarks/synthesize/prepare.tsv"
    conda:
        "../envs/synthesis.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 30 * attempt,
    shell:
        "halochem synthesize --prepare --manifest {input} --out {output} > {log} 2>&1"


rule synthesize:
    input:
        labels="results/labels/halo-{seed}.parquet",
        engine="resources/turbospectrum/engine.json",
        line_list=SETTINGS.synthesis.line_list or [],
    output:
        "results/spectra/halo-{seed}/chunk-{chunk}.h5",
    log:
        "results/logs/synthesize/halo-{seed}/chunk-{chunk}.log",
    benchmark:
        "results/benchmarks/synthesize/halo-{seed}/chunk-{chunk}.tsv"
    retries: 1
    conda:
        "../envs/synthesis.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        # Two minutes a star is above the slowest measured (cool stars with TiO).
        runtime=lambda wildcards, attempt: (30 + 2 * SETTINGS.synthesis.chunk_size) * attempt,
    params:
        config=SETTINGS_FILE,
        # Where iSpec lies does not make it another one.
        settings=settings_of("spectrum", "synthesis", without=("synthesis.ispec_dir", "synthesis.ispec_python")),
    shell:
        "halochem synthesize --config {params.config} --labels {input.labels} --chunk {wildcards.chunk} "
        "--engine {input.engine} --out {output} > {log} 2>&1"
