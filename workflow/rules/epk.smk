"""The exact path kernel: one influence store per shard, gathered, and compared with the network.

REQUIRED INPUTS:
    data/processed/{dataset}.zarr
    results/{run}/history.zarr
OUTPUTS:
    results/{run}/epk/{shard}.zarr
    results/{run}/influence.zarr
    results/{run}/validation.zarr, results/{run}/validation.json
"""


rule predict_epk:
    input:
        dataset=dataset_of,
        history=seal(PATHS.history("{run}")),
    output:
        shard=seal(PATHS.shard("{run}", "{shard}")),
    log:
        "logs/predict_epk/{run}_{shard}.log",
    benchmark:
        PATHS.benchmark("{run}", "predict_epk_{shard}")
    threads: threads_per_shard
    resources:
        mem_mb=memory(8000),
        runtime=720,
    params:
        values=of_run("predict_epk"),
        shard=shard_options,
        code=code_fingerprint("explaind.kernel.predict"),
    message:
        "Explain shard {wildcards.shard} of run {wildcards.run} (progress in {log})"
    shell:
        "explaind predict-epk --config results/config.json --run {wildcards.run}"
        " {params.shard} --threads {threads} > {log} 2>&1"


rule accumulate_kernel:
    input:
        shards=shards_to_gather,
    output:
        influence=seal(PATHS.influence("{run}")),
    log:
        "logs/accumulate_kernel/{run}.log",
    benchmark:
        PATHS.benchmark("{run}", "accumulate_kernel")
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=60,
    params:
        values=of_run("accumulate_kernel"),
        code=code_fingerprint("explaind.kernel.accumulate"),
    message:
        "Gather the shards of run {wildcards.run}"
    shell:
        "explaind accumulate-kernel --config results/config.json --run {wildcards.run} > {log} 2>&1"


rule validate_epk:
    input:
        dataset=dataset_of,
        history=seal(PATHS.history("{run}")),
    output:
        outputs=seal(PATHS.validation("{run}")),
        statistics=PATHS.validation_summary("{run}"),
    log:
        "logs/validate_epk/{run}.log",
    benchmark:
        PATHS.benchmark("{run}", "validate_epk")
    threads: 4
    resources:
        mem_mb=memory(8000),
        runtime=240,
    params:
        values=of_run("validate_epk"),
        code=code_fingerprint("explaind.kernel.validate"),
    message:
        "Compare reformulated and true outputs of run {wildcards.run} (progress in {log})"
    shell:
        "explaind validate-epk --config results/config.json --run {wildcards.run}"
        " --threads {threads} > {log} 2>&1"
