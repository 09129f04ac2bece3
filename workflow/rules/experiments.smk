"""Experiments on the runs, one rule per kind; the config names them.

REQUIRED INPUTS:
    data/processed/{dataset}.zarr
    results/{run}/history.zarr
OUTPUTS:
    results/{run}/experiments/{experiment}.parquet; networks that are trained for it lie beside it
    in a hidden folder, until it is written
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
    threads: half_of_the_cores
    resources:
        mem_mb=memory(4000),
        runtime=240,
    params:
        values=of_experiment("pruning"),
        code=code_fingerprint("explaind.experiments.pruning.compute"),
    message:
        "Prune the network of run {wildcards.run} (progress in {log})"
    shell:
        "explaind pruning --config results/config.json --experiment {wildcards.experiment}"
        " --threads {threads} > {log} 2>&1"


rule label_noise:
    input:
        dataset=dataset_of,
    output:
        table=PATHS.experiment("{run}", "{experiment}"),
    log:
        "logs/label_noise/{run}_{experiment}.log",
    benchmark:
        PATHS.benchmark("{run}", "label_noise_{experiment}")
    wildcard_constraints:
        experiment=of_kind(CONFIG.experiments, "label_noise"),
    threads: half_of_the_cores
    resources:
        mem_mb=memory(4000),
        runtime=480,
    params:
        values=of_experiment("label_noise"),
        code=code_fingerprint("explaind.experiments.label_noise.compute"),
    message:
        "Look for wrong labels in run {wildcards.run} (progress in {log})"
    shell:
        "explaind label-noise --config results/config.json --experiment {wildcards.experiment}"
        " --threads {threads} > {log} 2>&1"


rule leave_group_out:
    input:
        dataset=dataset_of,
        history=seal(PATHS.history("{run}")),
    output:
        table=PATHS.experiment("{run}", "{experiment}"),
    log:
        "logs/leave_group_out/{run}_{experiment}.log",
    benchmark:
        PATHS.benchmark("{run}", "leave_group_out_{experiment}")
    wildcard_constraints:
        experiment=of_kind(CONFIG.experiments, "leave_group_out"),
    threads: half_of_the_cores
    resources:
        mem_mb=memory(4000),
        runtime=480,
    params:
        values=of_experiment("leave_group_out"),
        code=code_fingerprint("explaind.experiments.leave_group_out.compute"),
    message:
        "Train run {wildcards.run} without groups of its samples (progress in {log})"
    shell:
        "explaind leave-group-out --config results/config.json"
        " --experiment {wildcards.experiment} --threads {threads} > {log} 2>&1"
