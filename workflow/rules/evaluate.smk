"""What each catalog's latents are worth, and their mean and spread over the catalogs."""


localrules:
    summarize,


rule evaluate:
    input:
        "results/tables/halo-{seed}.parquet",
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
        "halochem evaluate --table {input} --out {output} > {log} 2>&1"


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
