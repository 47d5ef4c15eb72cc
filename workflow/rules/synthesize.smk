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
    params:
        # A newer halochem may build another engine.
        own_code=own_code(),
    shell:
        "halochem synthesize --prepare --manifest {input} --out {output} > {log} 2>&1"


rule synthesize:
    input:
        labels="results/labels/halo-{seed}.parquet",
        engine=engine_files(),
        line_list=SETTINGS.synthesis.line_list or [],
    output:
        "results/spectra/halo-{seed}/chunk-{chunk}.h5",
    log:
        "results/logs/synthesize/halo-{seed}/chunk-{chunk}.log",
    benchmark:
        "results/benchmarks/synthesize/halo-{seed}/chunk-{chunk}.tsv"
    # The next try goes on with the stars that are missing.
    retries: MORE_TRIES
    conda:
        "../envs/synthesis.yaml"
    resources:
        # iSpec reads its list of lines as a table, the first time.
        mem_mb=lambda wildcards, attempt: (4000 if SETTINGS.synthesis.engine == "ispec" else 2000) * attempt,
        # Minutes a star, above the slowest measured: Turbospectrum with some stars by the second try, iSpec, emulator.
        runtime=lambda wildcards, attempt: int(
            30 + {"turbospectrum": 0.5, "ispec": 10, "emulator": 0.001}[SETTINGS.synthesis.engine] * STARS_IN_JOB
        )
        * attempt,
    params:
        config=SETTINGS_FILE,
        # Where iSpec or the emulator lies does not make it another one.
        settings=settings_of(
            "spectrum",
            "synthesis",
            without=[
                f"synthesis.{key}" for key in ("ispec_dir", "ispec_python", "emulator_dir", "check_stars", "max_jobs")
            ],
        )
        | {"synthesis.chunk_size": STARS_IN_JOB},
    shell:
        "halochem synthesize --config {params.config} --labels {input.labels} --chunk {wildcards.chunk} "
        "--out {output} > {log} 2>&1"


rule check_emulator:
    input:
        catalog="results/catalogs/halo-{seed}.h5",
        engine="resources/turbospectrum/engine.json",
    output:
        "results/catalogs/halo-{seed}.check.json",
    log:
        "results/logs/synthesize/check-halo-{seed}.log",
    benchmark:
        "results/benchmarks/synthesize/check-halo-{seed}.tsv"
    conda:
        "../envs/synthesis.yaml"
    threads: 2
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        config=SETTINGS_FILE,
        stars=SETTINGS.synthesis.check_stars,
    shell:
        "halochem emulator compare --config {params.config} --catalog {input.catalog} --stars {params.stars} "
        "--engine {input.engine} --jobs {threads} --out {output} > {log} 2>&1"
