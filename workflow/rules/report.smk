"""The index page.

REQUIRED INPUTS:
    results/figures/{figure}.html
    results/{run}/metrics.parquet, results/{run}/validation.json of the runs they show
OUTPUTS:
    results/index.html
"""


rule report:
    input:
        figures=[PATHS.figure(name) for name in FIGURES],
        metrics=[PATHS.metrics(run) for run in DRAWN_RUNS],
        statistics=[PATHS.validation_summary(run) for run in DRAWN_RUNS],
    output:
        page=PATHS.index(),
    log:
        "logs/report.log",
    threads: 1
    resources:
        mem_mb=1000,
        runtime=5,
    params:
        values=stage_config(CONFIG, "report"),
        code=code_fingerprint("explaind.report.index"),
    message:
        "Write {output.page}"
    shell:
        "explaind report --config results/config.json > {log} 2>&1"
