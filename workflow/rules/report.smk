"""The index page.

REQUIRED INPUTS:
    results/figures/{experiment}.html
    results/{run}/history.zarr, metrics.parquet, validation.json of every run; benchmarks if there are
    some
    results/encoders/{encoder}/{replicate}.zarr of every encoder
OUTPUTS:
    results/index.html
"""


rule report:
    """Write the index page."""
    input:
        pages=PAGES,
        histories=[seal(PATHS.history(run)) for run in RUNS],
        metrics=[PATHS.metrics(run) for run in RUNS],
        statistics=[PATHS.validation_summary(run) for run in RUNS],
        encoders=trained(CONFIG.encoders),
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
        code=code_fingerprint("explaind.experiments.drawing"),
    message:
        "Write {output.page}"
    shell:
        "explaind --log {log} report --config results/config.json"
