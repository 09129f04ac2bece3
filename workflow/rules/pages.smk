"""One page per experiment of the config that has one, with the tables behind its panels.

REQUIRED INPUTS:
    what the kind reads of the run, e.g. results/{run}/metrics.parquet, results/{run}/influence.zarr
    results/{run}/experiments/{name}.parquet or .zarr of the experiments it shows
OUTPUTS:
    results/figures/{experiment}.html, results/figures/tables/{experiment}_{table}
    results/figures/plotly.min.js, which all pages load
"""


rule plotly_js:
    """Write the plotting library that all pages share."""
    output:
        script=PATHS.plotly_js(),
    log:
        "logs/plotly_js.log",
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        code=code_fingerprint("explaind.report.html"),
    message:
        "Write the plotting library that the pages share"
    shell:
        "explaind --log {log} plotly-js"


for spec in SHOWN:

    rule:
        name:
            f"page_{spec.name}"
        input:
            unpack(shown_by(spec)),
            script=PATHS.plotly_js(),
        output:
            page=report(
                PATHS.figure("{experiment}"),
                caption="../report/page.rst",
                category=category,
                subcategory=spec.title,
                labels={"file": "page", "what it shows": spec.summary},
            ),
            tables=tables_of(spec),
        log:
            f"logs/page_{spec.name}/{{experiment}}.log",
        wildcard_constraints:
            experiment=of_kind(spec.name),
        threads: 1
        resources:
            mem_mb=memory(2000),
            runtime=10,
        params:
            command=command(f"page_{spec.name}", spec, own="page"),
            values=of_experiment(f"page_{spec.name}"),
            code=code_fingerprint(
                "explaind.experiments.drawing",
                *modules_of(spec, "tables", "page"),
            ),
        message:
            "Draw {output.page}"
        shell:
            "explaind --log {log} {params.command} --config results/config.json"
            " --experiment {wildcards.experiment}"

    workflow.get_rule(f"page_{spec.name}").docstring = (
        f"Draw the page “{spec.title}”. {spec.summary}"
    )
