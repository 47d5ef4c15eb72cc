"""The disentangled variational autoencoder of one catalog."""


rule train:
    input:
        catalog="results/catalogs/halo-{seed}.h5",
        regions=str(SETTINGS.train.regions),
        responses=str(SETTINGS.train.fast.responses) if SETTINGS.train.preset == "fast" else [],
    output:
        "results/models/halo-{seed}/weights.safetensors",
        "results/models/halo-{seed}/model.json",
        "results/models/halo-{seed}/history.csv",
    log:
        "results/logs/train/halo-{seed}.log",
    benchmark:
        "results/benchmarks/train/halo-{seed}.tsv"
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
        model=subpath(output[0], parent=True),
    shell:
        "halochem train --config {params.config} --catalog {input.catalog} --out {params.model} > {log} 2>&1"
