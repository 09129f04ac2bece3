"""Training of encoders, one job for each replicate.

REQUIRED INPUTS:
    data/processed/{dataset}.zarr
OUTPUTS:
    results/encoders/{encoder}/{replicate}.zarr: weights, and how it learned
    results/encoders/{encoder}/{replicate}_path.zarr of an encoder whose path is recorded; it is no
    declared output, because a training that was stopped continues from what it has written
"""


rule train_encoder:
    """Train one replicate of an encoder; continues where an earlier job was stopped."""
    input:
        dataset=dataset_of_encoder,
    output:
        encoder=seal(PATHS.encoder("{encoder}", "{replicate}")),
    log:
        "logs/train_encoder/{encoder}_{replicate}.log",
    benchmark:
        PATHS.benchmark(ENCODERS, "train_encoder_{encoder}_{replicate}")
    threads: half_of_the_cores
    resources:
        mem_mb=memory(4000),
        runtime=240,
    params:
        values=of_encoder,
        code=code_fingerprint("explaind.pipeline.train_encoder"),
    message:
        "Train encoder {wildcards.encoder}, replicate {wildcards.replicate} (progress in {log})"
    shell:
        "explaind --log {log} train-encoder --config results/config.json"
        " --encoder {wildcards.encoder} --replicate {wildcards.replicate} --threads {threads}"
