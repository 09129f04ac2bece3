"""One page per figure and one rule per kind of figure, with the tables behind its panels.

REQUIRED INPUTS:
    data/processed/{dataset}.zarr
    results/{run}/metrics.parquet
    results/{run}/influence.zarr
    results/{run}/validation.zarr, results/{run}/validation.json
    results/{run}/experiments/{experiment}.parquet
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
        code=code_fingerprint("explaind.report.page"),
    message:
        "Write the plotting library that the pages share"
    shell:
        "explaind plotly-js > {log} 2>&1"


rule figure_grokking:
    input:
        unpack(stores_of_figure),
        script=PATHS.plotly_js(),
    output:
        page=PATHS.figure("{figure}"),
        tables=[
            PATHS.table("{figure}", "curves"),
            PATHS.table("{figure}", "components"),
            PATHS.table("{figure}", "parts"),
            PATHS.table("{figure}", "closure"),
            PATHS.table("{figure}", "agreement", "parquet"),
            PATHS.table("{figure}", "class_maps", "parquet"),
        ],
    log:
        "logs/figure_grokking/{figure}.log",
    wildcard_constraints:
        figure=of_kind(CONFIG.figures, "grokking"),
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=10,
    params:
        values=of_figure,
        code=code_fingerprint("explaind.experiments.grokking.page"),
    message:
        "Draw {output.page}"
    shell:
        "explaind figure-grokking --config results/config.json --figure {wildcards.figure}"
        " > {log} 2>&1"


rule figure_training:
    input:
        metrics=metrics_of_figure,
        script=PATHS.plotly_js(),
    output:
        page=PATHS.figure("{figure}"),
        tables=[
            PATHS.table("{figure}", "metrics"),
        ],
    log:
        "logs/figure_training/{figure}.log",
    wildcard_constraints:
        figure=of_kind(CONFIG.figures, "training"),
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=10,
    params:
        values=of_figure,
        code=code_fingerprint("explaind.experiments.training.page"),
    message:
        "Draw {output.page}"
    shell:
        "explaind figure-training --config results/config.json --figure {wildcards.figure}"
        " > {log} 2>&1"


rule figure_epk_validation:
    input:
        unpack(stores_of_figure),
        script=PATHS.plotly_js(),
    output:
        page=PATHS.figure("{figure}"),
        tables=[
            PATHS.table("{figure}", "statistics"),
            PATHS.table("{figure}", "outputs", "parquet"),
            PATHS.table("{figure}", "steps"),
            PATHS.table("{figure}", "parts"),
            PATHS.table("{figure}", "closure"),
        ],
    log:
        "logs/figure_epk_validation/{figure}.log",
    wildcard_constraints:
        figure=of_kind(CONFIG.figures, "epk_validation"),
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=10,
    params:
        values=of_figure,
        code=code_fingerprint("explaind.experiments.epk_validation.page"),
    message:
        "Draw {output.page}"
    shell:
        "explaind figure-epk-validation --config results/config.json --figure {wildcards.figure}"
        " > {log} 2>&1"


rule figure_examples:
    input:
        unpack(stores_of_figure),
        dataset=dataset_of_figure,
        script=PATHS.plotly_js(),
    output:
        page=PATHS.figure("{figure}"),
        tables=[
            PATHS.table("{figure}", "strongest"),
        ],
    log:
        "logs/figure_examples/{figure}.log",
    wildcard_constraints:
        figure=of_kind(CONFIG.figures, "examples"),
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=10,
    params:
        values=of_figure,
        code=code_fingerprint("explaind.experiments.examples.page"),
    message:
        "Draw {output.page}"
    shell:
        "explaind figure-examples --config results/config.json --figure {wildcards.figure}"
        " > {log} 2>&1"


rule figure_pruning:
    input:
        unpack(experiments_of_figure),
        script=PATHS.plotly_js(),
    output:
        page=PATHS.figure("{figure}"),
        tables=[
            PATHS.table("{figure}", "means"),
            PATHS.table("{figure}", "comparison"),
            PATHS.table("{figure}", "layers", "parquet"),
        ],
    log:
        "logs/figure_pruning/{figure}.log",
    wildcard_constraints:
        figure=of_kind(CONFIG.figures, "pruning"),
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=10,
    params:
        values=of_figure,
        code=code_fingerprint("explaind.experiments.pruning.page"),
    message:
        "Draw {output.page}"
    shell:
        "explaind figure-pruning --config results/config.json --figure {wildcards.figure}"
        " > {log} 2>&1"


rule figure_sanity:
    input:
        unpack(experiments_of_figure),
        script=PATHS.plotly_js(),
    output:
        page=PATHS.figure("{figure}"),
        tables=[
            PATHS.table("{figure}", "roc"),
            PATHS.table("{figure}", "aucs"),
            PATHS.table("{figure}", "auc_comparison"),
            PATHS.table("{figure}", "groups"),
            PATHS.table("{figure}", "correlations"),
            PATHS.table("{figure}", "targets", "parquet"),
        ],
    log:
        "logs/figure_sanity/{figure}.log",
    wildcard_constraints:
        figure=of_kind(CONFIG.figures, "sanity"),
    threads: 1
    resources:
        mem_mb=memory(2000),
        runtime=10,
    params:
        values=of_figure,
        code=code_fingerprint("explaind.experiments.sanity.page"),
    message:
        "Draw {output.page}"
    shell:
        "explaind figure-sanity --config results/config.json --figure {wildcards.figure}"
        " > {log} 2>&1"
