"""Encoders of seconds, for experiments that explain them."""

from explaind.config.dataset import DigitsDataset
from explaind.config.schema import Config
from explaind.experiments.job import EncoderJob
from explaind.paths import Paths
from explaind.pipeline.prepare import prepare_dataset
from explaind.pipeline.train_encoder import train_encoder
from explaind.report.html import render
from explaind.report.page import About
from explaind.report.sources import Sources

SHARED = {"dataset": "digits", "epochs": 1, "batch_size": 16, "replicates": 2, "device": "cpu"}
SMALL = {"kind": "convolutional", "latent": 3, "channels": (4, 8, 8), "hidden": 16}
CASE = {
    "defaults": False,
    "datasets": {
        "digits": {
            "kind": "digits",
            "classes": [0, 1],
            "train_samples": 40,
            "validation_samples": 12,
            "resize": 16,
        },
        "heartbeats": {"kind": "ecg_like", "samples": 24, "length": 10, "training": "normal"},
    },
    "runs": {},
    "encoders": {
        "vae": {
            **SHARED,
            "model": {"kind": "vae", "latent": 2},
            "pretext": {"kind": "beta_vae", "beta": 1},
        },
        "tc_vae": {
            **SHARED,
            "model": {"kind": "vae", "latent": 3},
            "pretext": {"kind": "tc_vae", "beta": 5},
            "replicates": 1,
        },
        "classifier": {**SHARED, "model": SMALL, "pretext": {"kind": "classification"}},
        "autoencoder": {**SHARED, "model": SMALL},
        "series": {
            **SHARED,
            "dataset": "heartbeats",
            "model": {"kind": "lstm", "latent": 2},
            "batch_size": 4,
            "patience": None,
            "history": 1,
            "replicates": 1,
        },
        "simclr": {
            **SHARED,
            "model": {"kind": "resnet18", "width": 2},
            "pretext": {"kind": "contrastive", "hidden": 4, "projected": 3},
            "replicates": 1,
        },
    },
}


def trained(root, *names):
    """Paths below a directory in which some encoders are trained."""
    config, paths = Config.model_validate(CASE), Paths(root)
    for dataset in {config.encoders[name].dataset for name in names}:
        prepare_dataset(config, paths, dataset)
    for name in names:
        for replicate in range(config.encoders[name].replicates):
            train_encoder(config, paths, name, replicate)
    return paths


def job_of(paths, scratch, **settings):
    """What an experiment, named like its kind, is computed from."""
    name = settings["kind"]
    config = Config.model_validate({**CASE, "experiments": {name: settings}})
    scratch.mkdir(parents=True, exist_ok=True)
    return EncoderJob(name, config.experiments[name], config, paths, scratch)


class Results(Sources):
    """Results of experiments by kind, as pages read them; a table or store for each."""

    def __init__(self, **found):
        results = {kind: (kind, kind) for kind in found}
        datasets = dict.fromkeys(found, "digits")
        super().__init__(Paths(), "page", "encoders", "digits", DigitsDataset(), results, datasets)
        object.__setattr__(self, "found", found)

    def result(self, key):
        """The table of an experiment."""
        return self.found[key]

    def store(self, key):
        """The store of an experiment."""
        return self.found[key]


def html_of(draw, tables, name):
    """The page as HTML."""
    files = {table: Paths().table(name, table) for table in tables.files()}
    return render("page.html", page=draw(tables, About(name, name, "encoders", files)), pages={})
