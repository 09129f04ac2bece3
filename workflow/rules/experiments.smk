"""Experiments on the runs, one rule per kind; the config names them.

REQUIRED INPUTS:
    data/processed/{dataset}.zarr
    results/{run}/history.zarr
OUTPUTS:
    results/{run}/experiments/{experiment}.parquet
"""


rule pruning:
    input:
        dataset=dataset_of,
        history=seal(PATHS.history("{run}")),
    output:
        table=PATHS.experiment("{run}", "{experiment}"),
    log:
        "logs/pruning/{run}_{experiment}.log",
    benchmark:
        PATHS.benchmark("{run}", "pruning_{experiment}")
    wildcard_constraints:
        experiment=of_kind(CONFIG.experiments, "pruning"),
    threads: 4
    resources:
        mem_mb=memory(4000),
        runtime=240,
    params:
        values=of_experiment("pruning"),
        code=code_fingerprint("explaind.experiments.pruning"),
    message:
        "Prune the network of run {wildcards.run} (progress in {log})"
    shell:
        "explaind pruning --config results/config.json --experiment {wildcards.experiment}"
        " --threads {threads} > {log} 2>&1"
