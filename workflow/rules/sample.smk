"""Labels drawn from the halo's abundance density r = p q / Z."""


rule sample:
    input:
        observed_stars,
    output:
        labels="results/labels/halo-{seed}.parquet",
        summary="results/labels/halo-{seed}.json",
        figure=report(
            "results/figures/density-{seed}.pdf",
            caption="../report/density.rst",
            category="Labels",
            labels={"catalog": "{seed}", "figure": "halo density"},
        ),
    log:
        "results/logs/sample/halo-{seed}.log",
    benchmark:
        "results/benchmarks/sample/halo-{seed}.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 20 * attempt,
    params:
        config=SETTINGS_FILE,
        settings=settings_of("sample"),
    shell:
        "halochem sample --config {params.config} --seed {wildcards.seed} --out {output.labels} "
        "--figure {output.figure} --summary {output.summary} > {log} 2>&1"
