"""A run with a checkpointed history is explained and validated as one with a full history."""

import numpy as np
import pytest

from explaind.config.load import load_config
from explaind.paths import Paths
from explaind.pipeline.plan import plan_epk
from explaind.pipeline.predict import predict_epk
from explaind.pipeline.prepare import prepare_dataset
from explaind.pipeline.train import train
from explaind.pipeline.validate import validate_epk
from explaind.store import open_sealed, stored_attributes

# forward-mode derivatives load torch's own scripted functions
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")

STEPS = 12
OPTIMIZERS = {
    "adamw": {"kind": "adamw"},
    "momentum": {"kind": "sgd", "momentum": 0.9, "learning_rate": 0.01, "weight_decay": 0.1},
}


def trained(root, optimizer, every):
    """Config and paths of a recorded run."""
    training = {
        "optimizer": optimizer,
        "max_steps": STEPS,
        "stop_at_accuracy": None,
        "batch_size": 9,
        "clip_norm": 0.5,
        "history": {"every": every},
    }
    model = {"width": 8, "heads": 2, "mlp_width": 8}
    run = {"model": model, "training": training, "epk": {"samples": 3, "shards": 1}}
    config = load_config({"datasets": {"modulo": {"p": 5}}, "runs": {"grokking": run}})
    paths = Paths(root)
    prepare_dataset(config, paths, "modulo")
    train(config, paths, "grokking")
    return config, paths


def explained(root, optimizer, every):
    """Shard and validation of a run."""
    config, paths = trained(root, optimizer, every)
    plan_epk(config, paths, "grokking", cores=1)
    predict_epk(config, paths, "grokking", "0/1")
    validate_epk(config, paths, "grokking")
    return open_sealed(paths.shard("grokking", "0-of-1")), open_sealed(paths.validation("grokking"))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_explanation_and_validation_are_those_of_the_full_history(optimizer, tmp_path):
    full = explained(tmp_path / "full", OPTIMIZERS[optimizer], 1)
    checkpointed = explained(tmp_path / "checkpointed", OPTIMIZERS[optimizer], 5)
    for expected, found in zip(full, checkpointed, strict=True):
        assert set(found) == set(expected)
        for name in expected:
            np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


@pytest.mark.parametrize(("optimizer", "balanced"), [("adamw", 4), ("momentum", 5)])
def test_auto_balances_snapshots_and_replay(optimizer, balanced, tmp_path):
    """Three vectors a snapshot and two a step with AdamW; two and one with momentum."""
    _, paths = trained(tmp_path, OPTIMIZERS[optimizer], "auto")
    assert stored_attributes(paths.history("grokking"))["every"] == balanced
