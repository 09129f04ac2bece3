"""A run of seconds for experiments that read a history and nothing else."""

from explaind.config.load import load_config
from explaind.experiments.job import Job
from explaind.paths import Paths
from explaind.pipeline.prepare import prepare_dataset
from explaind.pipeline.train import train

RUN = "grokking"
CASE = {
    "defaults": False,
    "datasets": {"modulo": {"p": 7}},
    "runs": {
        RUN: {
            "dataset": "modulo",
            "model": {"width": 16, "heads": 2, "mlp_width": 24},
            "training": {
                "max_steps": 20,
                "stop_at_accuracy": None,
                "optimizer": {"learning_rate": 0.01, "weight_decay": 1.0},
                "device": "cpu",
            },
        }
    },
}


def trained(root, *configs):
    """Config and paths of the run below a directory."""
    config, paths = load_config(CASE, *configs), Paths(root)
    prepare_dataset(config, paths, "modulo")
    train(config, paths, RUN)
    return config, paths


def job_of(config, paths, name, scratch):
    """What the experiment is computed from."""
    scratch.mkdir(parents=True, exist_ok=True)
    return Job(name, config.experiments[name], config, paths, scratch)
