"""The exact path kernel: planned, one influence store per shard, merged, and compared with the
network.

REQUIRED INPUTS:
    data/processed/{dataset}.zarr
    results/{run}/history.zarr
OUTPUTS:
    results/{run}/plan.json; a checkpoint, because with `shards: auto` it sets the number of shards
    results/{run}/epk/{shard}.zarr
    results/{run}/influence.zarr
    results/{run}/validation.zarr, results/{run}/validation.json
"""


checkpoint plan_epk:
    """Plan the explanation of a run: memory, time, shards, disk."""
    input:
        dataset=dataset_of,
        history=seal(PATHS.history("{run}")),
    output:
        plan=PATHS.plan("{run}"),
    log:
        "logs/plan_epk/{run}.log",
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=10,
        shared_cores=CORES,
    params:
        values=of_run("plan_epk"),
        code=code_fingerprint("explaind.pipeline.plan"),
        rules=[code_fingerprint(module) for module in PLANNED.values()],
    message:
        "Plan the explanation of run {wildcards.run}"
    shell:
        "explaind --log {log} plan-epk --config results/config.json --run {wildcards.run}"
        " --cores {resources.shared_cores}"


rule predict_epk:
    """Compute the influence of all training samples on one shard of the explained samples."""
    input:
        dataset=dataset_of,
        history=seal(PATHS.history("{run}")),
        plan=plan_for("predict_epk"),
    output:
        shard=seal(PATHS.shard("{run}", "{shard}")),
    log:
        "logs/predict_epk/{run}_{shard}.log",
    benchmark:
        PATHS.benchmark("{run}", "predict_epk_{shard}")
    threads: threads_per_shard
    resources:
        mem_mb=memory(planned("predict_epk", "mem_mb")),
        runtime=planned("predict_epk", "runtime"),
        gpu=planned("predict_epk", "gpu"),
    params:
        values=of_run("predict_epk"),
        shard=shard_options,
        code=code_fingerprint("explaind.pipeline.predict"),
    message:
        "Explain shard {wildcards.shard} of run {wildcards.run} (progress in {log})"
    shell:
        "explaind --log {log} predict-epk --config results/config.json --run {wildcards.run}"
        " {params.shard} --threads {threads}"


rule accumulate_kernel:
    """Merge the shards of a run into one influence store."""
    input:
        shards=merged_shards,
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
        code=code_fingerprint("explaind.pipeline.accumulate"),
    message:
        "Merge the shards of run {wildcards.run}"
    shell:
        "explaind --log {log} accumulate-kernel --config results/config.json --run {wildcards.run}"


rule validate_epk:
    """Compare the reformulated outputs of all validation samples with the true ones."""
    input:
        dataset=dataset_of,
        history=seal(PATHS.history("{run}")),
        plan=plan_for("validate_epk"),
    output:
        outputs=seal(PATHS.validation("{run}")),
        statistics=report(
            PATHS.validation_summary("{run}"),
            caption="../report/validation.rst",
            category="Run {run}",
            subcategory="Is the explanation faithful?",
            labels={"file": "statistics"},
        ),
    log:
        "logs/validate_epk/{run}.log",
    benchmark:
        PATHS.benchmark("{run}", "validate_epk")
    threads: half_of_the_cores
    resources:
        mem_mb=memory(planned("validate_epk", "mem_mb")),
        runtime=planned("validate_epk", "runtime"),
        gpu=planned("validate_epk", "gpu"),
    params:
        values=of_run("validate_epk"),
        code=code_fingerprint("explaind.pipeline.validate"),
    message:
        "Compare reformulated and true outputs of run {wildcards.run} (progress in {log})"
    shell:
        "explaind --log {log} validate-epk --config results/config.json --run {wildcards.run}"
        " --threads {threads}"
