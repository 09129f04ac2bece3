"""Datasets.

REQUIRED INPUTS:
    none; the datasets are generated
OUTPUTS:
    data/processed/{dataset}.zarr
"""


rule prepare_dataset:
    output:
        dataset=seal(PATHS.dataset("{dataset}")),
    log:
        "logs/prepare_dataset/{dataset}.log",
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=10,
    params:
        values=of_dataset,
        code=code_fingerprint("explaind.data.prepare"),
    message:
        "Prepare dataset {wildcards.dataset}"
    shell:
        "explaind prepare-dataset --config results/config.json --dataset {wildcards.dataset}"
        " > {log} 2>&1"
