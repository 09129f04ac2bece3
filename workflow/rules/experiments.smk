"""What the experiments of the config compute: one rule for each kind that computes something, and
one more for each kind that is computed in parts.

REQUIRED INPUTS:
    what the kind reads of the run, e.g. data/processed/{dataset}.zarr, results/{run}/history.zarr,
    or of encoders, which are the “run” encoders here: results/encoders/{encoder}/{replicate}.zarr
OUTPUTS:
    results/{run}/experiments/{experiment}/{part}.parquet of an experiment that is computed in parts
    results/{run}/experiments/{experiment}.parquet or .zarr; networks that are trained for it lie
    beside it in a hidden folder, until it is written
"""

for spec in COMPUTED:

    rule:
        name:
            spec.name
        input:
            unpack(merged_by(spec)),
        output:
            result=result("{run}", "{experiment}", spec.computed),
        log:
            f"logs/{spec.name}/{{run}}_{{experiment}}.log",
        benchmark:
            PATHS.benchmark("{run}", f"{spec.name}_{{experiment}}")
        wildcard_constraints:
            run=subjects_of_kind(spec.name),
            experiment=of_kind(spec.name),
        threads: half_of_the_cores
        resources:
            mem_mb=memory(4000),
            runtime=spec.computed.minutes,
        params:
            command=command(spec.name, spec, own="experiment"),
            values=of_experiment(spec.name),
            code=code_fingerprint(
                "explaind.experiments.job", *modules_of(spec, "compute")
            ),
        message:
            "Compute {output.result} (progress in {log})"
        shell:
            "explaind --log {log} {params.command} --config results/config.json"
            " --experiment {wildcards.experiment} --threads {threads}"

    workflow.get_rule(spec.name).docstring = spec.summary


for spec in IN_PARTS:

    rule:
        name:
            f"{spec.name}_part"
        input:
            unpack(read_by(spec)),
        output:
            table=PATHS.part("{run}", "{experiment}", "{part}"),
        log:
            f"logs/{spec.name}/{{run}}_{{experiment}}_{{part}}.log",
        benchmark:
            PATHS.benchmark("{run}", f"{spec.name}_part_{{experiment}}_{{part}}")
        wildcard_constraints:
            run=subjects_of_kind(spec.name),
            experiment=of_kind(spec.name),
            part=parts_of_kind(spec.name),
        threads: half_of_the_cores
        resources:
            mem_mb=memory(4000),
            runtime=spec.computed.minutes,
        params:
            command=command(f"{spec.name}_part", spec, own="experiment_part"),
            values=of_part(spec.name),
            code=code_fingerprint(
                "explaind.experiments.job", *modules_of(spec, "compute")
            ),
        message:
            "Compute {output.table} (progress in {log})"
        shell:
            "explaind --log {log} {params.command} --config results/config.json"
            " --experiment {wildcards.experiment} --part {wildcards.part} --threads {threads}"

    workflow.get_rule(f"{spec.name}_part").docstring = (
        f"Compute one part of “{spec.title}”."
    )
