"""One page per figure, with the tables behind its panels.

REQUIRED INPUTS:
    results/{run}/metrics.parquet
    results/{run}/influence.zarr
    results/{run}/validation.zarr, results/{run}/validation.json
OUTPUTS:
    results/figures/{figure}.html, results/figures/tables/{figure}_{panel}.csv or .parquet
    results/figures/plotly.min.js, which all pages load
"""


rule plotly_js:
    output:
        script=PATHS.plotly_js(),
    log:
        "logs/plotly_js.log",
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        code=code_fingerprint("explaind.figures.page"),
    message:
        "Write the plotting library that the pages share"
    shell:
        "explaind plotly-js > {log} 2>&1"


rule figure_grokking:
    input:
        **stores_of_figure("grokking"),
        script=PATHS.plotly_js(),
    output:
        page=PATHS.figure("grokking"),
        tables=[
            PATHS.table("grokking", "curves"),
            PATHS.table("grokking", "components"),
            PATHS.table("grokking", "parts"),
            PATHS.table("grokking", "closure"),
            PATHS.table("grokking", "agreement", "parquet"),
            PATHS.table("grokking", "class_maps", "parquet"),
        ],
    log:
        "logs/figure_grokking.log",
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=10,
    params:
        values=stage_config(CONFIG, "figure_grokking"),
        code=code_fingerprint("explaind.figures.grokking"),
    message:
        "Draw {output.page}"
    shell:
        "explaind figure-grokking --config results/config.json > {log} 2>&1"


rule figure_training:
    input:
        metrics=PATHS.metrics(CONFIG.figures.training.run),
        script=PATHS.plotly_js(),
    output:
        page=PATHS.figure("training"),
        tables=[
            PATHS.table("training", "metrics"),
        ],
    log:
        "logs/figure_training.log",
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=10,
    params:
        values=stage_config(CONFIG, "figure_training"),
        code=code_fingerprint("explaind.figures.training"),
    message:
        "Draw {output.page}"
    shell:
        "explaind figure-training --config results/config.json > {log} 2>&1"


rule figure_epk_validation:
    input:
        **stores_of_figure("epk_validation"),
        script=PATHS.plotly_js(),
    output:
        page=PATHS.figure("epk_validation"),
        tables=[
            PATHS.table("epk_validation", "statistics"),
            PATHS.table("epk_validation", "outputs", "parquet"),
            PATHS.table("epk_validation", "steps"),
            PATHS.table("epk_validation", "parts"),
            PATHS.table("epk_validation", "closure"),
        ],
    log:
        "logs/figure_epk_validation.log",
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=10,
    params:
        values=stage_config(CONFIG, "figure_epk_validation"),
        code=code_fingerprint("explaind.figures.epk_validation"),
    message:
        "Draw {output.page}"
    shell:
        "explaind figure-epk-validation --config results/config.json > {log} 2>&1"
