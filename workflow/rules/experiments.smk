"""What the experiments of the config compute: one rule for each kind that computes something.

REQUIRED INPUTS:
    what the kind reads of the run, e.g. data/processed/{dataset}.zarr, results/{run}/history.zarr
OUTPUTS:
    results/{run}/experiments/{experiment}.parquet or .zarr; networks that are trained for it lie
    beside it in a hidden folder, until it is written
"""

for spec in COMPUTED:

    rule:
        name:
            spec.name
        input:
            unpack(read_by(spec)),
        output:
            result=result("{run}", "{experiment}", spec.computed),
        log:
            f"logs/{spec.name}/{{run}}_{{experiment}}.log",
        benchmark:
            PATHS.benchmark("{run}", f"{spec.name}_{{experiment}}")
        wildcard_constraints:
            experiment=of_kind(spec.name),
        threads: half_of_the_cores
        resources:
            mem_mb=memory(4000),
            runtime=spec.computed.minutes,
        params:
            command=command(spec.name),
            values=of_experiment(spec.name),
            code=code_fingerprint(
                "explaind.experiments.job", *modules_of(spec.name, "compute")
            ),
        message:
            "Compute {output.result} (progress in {log})"
        shell:
            "explaind --log {log} {params.command} --config results/config.json"
            " --experiment {wildcards.experiment} --threads {threads}"

    workflow.get_rule(spec.name).docstring = spec.summary
