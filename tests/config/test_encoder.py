"""Encoders in the config: parts that do not fit, and the experiments that name them."""

import pytest
import yaml

from explaind.config.load import load_config
from explaind.config.stages import stage_config
from explaind.errors import ConfigError
from tests.config.sections import DEFAULT

ALONE = {
    "defaults": False,
    "datasets": {"images": {"kind": "digits"}, "heartbeats": {"kind": "ecg_like"}},
    "runs": {},
}


def loaded(encoders, **experiments):
    return load_config({**ALONE, "encoders": encoders, "experiments": experiments})


def test_the_first_encoder_of_the_default_file_names_every_key():
    written = yaml.safe_load(DEFAULT.read_text())["encoders"]["digits_reconstruction"]
    section = load_config(DEFAULT).encoders["digits_reconstruction"].model_dump(mode="json")
    assert written.keys() == section.keys()
    for part in ("model", "pretext", "optimizer"):
        assert written[part].keys() == section[part].keys()


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        ({"dataset": "none"}, "encoders.e.dataset: expected one of"),
        ({"dataset": "heartbeats"}, "expected a model of series"),
        ({"dataset": "images", "model": {"kind": "lstm"}}, "expected a model of images"),
        ({"dataset": "images", "history": 1}, "expected patience null with history"),
        ({"dataset": "images", "history": 1, "patience": None}, "batch_norm false with history"),
    ],
)
def test_parts_that_do_not_fit_are_refused(encoder, message):
    with pytest.raises(ConfigError, match=message):
        loaded({"e": encoder})


def test_names_of_other_folders_are_taken():
    with pytest.raises(ConfigError, match="'experiments' is taken"):
        loaded({"experiments": {"dataset": "images"}})
    with pytest.raises(ConfigError, match="'encoders' is taken"):
        load_config({**ALONE, "runs": {"encoders": {"dataset": "images"}}})


def test_an_experiment_names_encoders_of_one_dataset():
    encoders = {
        "a": {"dataset": "images"},
        "b": {"dataset": "images"},
        "c": {"dataset": "heartbeats", "model": {"kind": "lstm"}},
    }
    config = loaded(encoders, pretext_features={"encoders": ["a", "b"]})
    assert config.experiments["pretext_features"].subject == "encoders"
    with pytest.raises(ConfigError, match="got some of heartbeats, images"):
        loaded(encoders, pretext_features={"encoders": ["a", "c"]})
    with pytest.raises(ConfigError, match="expected one of a, b, c, got 'd'"):
        loaded(encoders, pretext_features={"encoders": ["a", "d"]})


def test_what_a_training_does_not_use_reruns_nothing():
    def values(**changes):
        return stage_config(loaded({"a": {"dataset": "images", **changes}}), "train_encoder", "a")

    assert values() == values(replicates=9, device="cpu")
    for change in ({"seed": 1}, {"epochs": 3}, {"pretext": {"kind": "inpainting"}}):
        assert values() != values(**change)
