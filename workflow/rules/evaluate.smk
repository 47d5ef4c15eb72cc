"""What each catalog's latents are worth, beside peers and limits, and their mean and spread over the catalogs."""


localrules:
    summarize,
    training_sizes,


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


rule anomalies:
    input:
        catalog="results/catalogs/halo-{seed}.h5",
        weights="results/models/halo-{seed}/weights.safetensors",
        model="results/models/halo-{seed}/model.json",
    output:
        "results/evaluation/anomalies-{seed}.parquet",
    log:
        "results/logs/evaluate/anomalies-{seed}.log",
    benchmark:
        "results/benchmarks/evaluate/anomalies-{seed}.tsv"
    conda:
        "../envs/training.yaml"
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        config=SETTINGS_FILE,
        model=subpath(input.weights, parent=True),
    shell:
        "halochem evaluate --anomalies-of {input.catalog} --model {params.model} --config {params.config} "
        "--out {output} > {log} 2>&1"


rule evaluate:
    input:
        table="results/tables/halo-{seed}.parquet",
        bounds="results/evaluation/bounds-{seed}.parquet",
        peers="results/evaluation/peers-{seed}.parquet",
        anomalies="results/evaluation/anomalies-{seed}.parquet",
        without_flow=without_flow,
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
    params:
        without_flow=lambda wildcards, input: f"--without-flow {input.without_flow}" if input.without_flow else "",
    shell:
        "halochem evaluate --table {input.table} --bounds {input.bounds} --peers {input.peers} "
        "--anomalies {input.anomalies} {params.without_flow} --out {output} > {log} 2>&1"


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


rule without_flow:
    input:
        catalog="results/catalogs/halo-{seed}.h5",
        regions=str(SETTINGS.train.regions),
    output:
        "results/evaluation/without-flow-{seed}.json",
    log:
        "results/logs/evaluate/without-flow-{seed}.log",
    benchmark:
        "results/benchmarks/evaluate/without-flow-{seed}.tsv"
    # The next try goes on from the last checkpoint.
    retries: MORE_TRIES
    conda:
        "../envs/training.yaml"
    threads: TRAINING_THREADS
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=1440,
    params:
        config=SETTINGS_FILE,
        settings=settings_of("train", "encode", without=NOT_IN_WEIGHTS),
        model="results/models/halo-{seed}-without-flow",
    shell:
        "halochem evaluate --without-flow-of {input.catalog} --model {params.model} --config {params.config} "
        "--out {output} > {log} 2>&1"


rule training_size:
    input:
        catalog="results/catalogs/halo-{seed}.h5",
        regions=str(SETTINGS.train.regions),
    output:
        "results/evaluation/training-sizes/halo-{seed}_snr-{snr}_stars-{stars}.json",
    log:
        "results/logs/evaluate/training-sizes/halo-{seed}_snr-{snr}_stars-{stars}.log",
    benchmark:
        "results/benchmarks/evaluate/training-sizes/halo-{seed}_snr-{snr}_stars-{stars}.tsv"
    # The next try goes on from the last checkpoint.
    retries: MORE_TRIES
    conda:
        "../envs/training.yaml"
    threads: TRAINING_THREADS
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=1440,
    params:
        config=SETTINGS_FILE,
        settings=settings_of("train", without=NOT_IN_WEIGHTS),
        steps=f"--steps {SETTINGS.evaluate.training_steps}" if SETTINGS.evaluate.training_steps else "",
    shell:
        "halochem evaluate --training-size-of {input.catalog} --stars {wildcards.stars} --snr {wildcards.snr} "
        "{params.steps} --config {params.config} --out {output} > {log} 2>&1"


rule training_sizes:
    input:
        trainings,
    output:
        table=TRAINING_SIZES,
        page="results/evaluation/training-sizes.md",
    log:
        "results/logs/evaluate/training-sizes.log",
    benchmark:
        "results/benchmarks/evaluate/training-sizes.tsv"
    conda:
        "../envs/analysis.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    shell:
        "halochem evaluate --training-sizes {input} --out {output.table} > {log} 2>&1"
