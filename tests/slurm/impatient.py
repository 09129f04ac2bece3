"""Snakemake that looks after its jobs every second; the plugin waits 40 and more."""

from snakemake.cli import main
from snakemake_executor_plugin_slurm import Executor

SECONDS = 1.0

if __name__ == "__main__":
    Executor.next_seconds_between_status_checks = property(lambda _: SECONDS, lambda _, __: None)
    main()
