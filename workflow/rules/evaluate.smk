"""What each catalog's latents are worth, beside peers and limits, and their mean and spread over the catalogs."""


localrules:
    summarize,


rule limits:
    input:
        catalog="results/catalogs/halo-{seed}.h5",
        emulator=emulator_at_hand(),
        observed=observed_stars,
    output:
        "results/evaluation/bounds-{seed}.parquet",
    log:
        "results/logs/evaluate/bounds-{seed}.log",
    benchmark:
        "results/benchmarks/evaluate/bounds-{seed}.tsv"
    conda:
        "../envs/training.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        config=SETTINGS_FILE,
        settings=settings_of("sample", "observe") | {"train.train_fraction": SETTINGS.train.train_fraction},
    shell:
        "halochem evaluate --limits-of {input.catalog} --config {params.config} --out {output} > {log} 2>&1"


rule peers:
    input:
        "results/catalogs/halo-{seed}.h5",
    output:
        "results/evaluation/peers-{seed}.parquet",
    log:
        "results/logs/evaluate/peers-{seed}.log",
    benchmark:
        "results/benchmarks/evaluate/peers-{seed}.tsv"
    conda:
        "../envs/training.yaml"
    threads: 2
    resources:
        mem_mb=lambda wildcards, attempt: 6000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        config=SETTINGS_FILE,
        settings={"train.train_fraction": SETTINGS.train.train_fraction},
    shell:
        "halochem evaluate --peers-of {input} --config {params.config} --out {output} > {log} 2>&1"


rule evaluate:
    input:
        table="results/tables/halo-{seed}.parquet",
        bounds="results/evaluation/bounds-{seed}.parquet",
        peers="results/evaluation/peers-{seed}.parquet",
    output:
        "results/evaluation/halo-{seed}.json",
    log:
        "results/logs/evaluate/halo-{seed}.log",
    benchmark:
        "results/benchmarks/evaluate/halo-{seed}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 2
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    shell:
        "halochem evaluate --table {input.table} --bounds {input.bounds} --peers {input.peers} --out {output} "
        "> {log} 2>&1"


rule summarize:
    input:
        expand("results/evaluation/halo-{seed}.json", seed=SETTINGS.seeds),
    output:
        table="results/evaluation/summary.parquet",
        page="results/evaluation/summary.md",
    log:
        "results/logs/evaluate/summary.log",
    benchmark:
        "results/benchmarks/evaluate/summary.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    shell:
        "halochem evaluate --summary {input} --out {output.table} > {log} 2>&1"
