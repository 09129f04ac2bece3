"""Datasets.

REQUIRED INPUTS:
    the files of datasets of kind npz and text; the others are generated, bundled or downloaded to
    data/raw by torchvision
OUTPUTS:
    data/processed/{dataset}.zarr
"""


rule prepare_dataset:
    """Make a dataset and its split."""
    input:
        file_of_dataset,
    output:
        dataset=seal(PATHS.dataset("{dataset}")),
    log:
        "logs/prepare_dataset/{dataset}.log",
    threads: 1
    resources:
        mem_mb=memory(4000),
        runtime=60,
    params:
        values=of_dataset,
        code=code_fingerprint("explaind.pipeline.prepare"),
    message:
        "Prepare dataset {wildcards.dataset}"
    shell:
        "explaind --log {log} prepare-dataset --config results/config.json"
        " --dataset {wildcards.dataset}"
