"""Training, with the path recorded.

REQUIRED INPUTS:
    data/processed/{dataset}.zarr
OUTPUTS:
    results/{run}/history.zarr; only its seal is declared, because Snakemake deletes the outputs of
    a job before it starts and a training that was stopped continues from what it has written
    results/{run}/metrics.parquet
"""


rule train:
    """Train a model and record its path; continues where an earlier job was stopped."""
    input:
        dataset=dataset_of,
    output:
        history=seal(PATHS.history("{run}")),
        metrics=PATHS.metrics("{run}"),
    log:
        "logs/train/{run}.log",
    benchmark:
        PATHS.benchmark("{run}", "train")
    threads: 4
    resources:
        mem_mb=memory(4000),
        runtime=120,
    params:
        values=of_run("train"),
        code=code_fingerprint("explaind.pipeline.train"),
    message:
        "Train run {wildcards.run} (progress in {log})"
    shell:
        "explaind --log {log} train --config results/config.json --run {wildcards.run}"
        " --threads {threads}"
