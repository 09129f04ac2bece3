"""The case whose rules are killed: every kind of run, encoder and experiment, seconds each."""

RUN = "grokking"
LANGUAGES = "languages"
OF_SAMPLES = ("similarity", "maps", "spectrum")
PAGES = (
    "grokking",
    "training",
    "influence_over_training",
    "influence_matrices",
    "epk_validation",
    *OF_SAMPLES,
    "swap",
    "retrain",
    "pruning",
    "examples",
    "sanity",
)
OF_ENCODERS = {
    "feature_consistency": "parquet",
    "example_consistency": "parquet",
    "pretext_features": "zarr",
    "pretext_examples": "zarr",
    "disentanglement": "zarr",
    "unit_visualisation": "zarr",
    "encoder_and_model": "parquet",
    "linear_probe": "parquet",
    "roar": "parquet",
}
"""Experiments about encoders, with what they are written to."""

_FAST = {"optimizer": {"kind": "adam", "learning_rate": 3e-3}, "batch_size": 20, "epochs": 2}
_SMALL = {"kind": "convolutional", "channels": [2, 3, 4], "hidden": 8, "latent": 4}
_TASKS = ["reconstruction", "denoising"]
ENCODERS = {
    "reconstruction": {"model": _SMALL, "pretext": {"kind": "reconstruction"}},
    "denoising": {"model": _SMALL, "pretext": {"kind": "denoising"}},
    "classification": {"model": _SMALL, "pretext": {"kind": "classification"}},
    "recorded": {
        "model": {**_SMALL, "channels": [4, 6, 8], "hidden": 16, "batch_norm": False},
        "pretext": {"kind": "denoising"},
        "patience": None,
        "history": 10,
    },
    "units": {"model": {"kind": "vae", "latent": 3}, "pretext": {"kind": "beta_vae", "beta": 0.1}},
}

CASE = {
    "datasets": {
        "modulo": {"p": 7},
        "all_digits": {
            "kind": "digits",
            "train_samples": 60,
            "validation_samples": 20,
            "resize": 16,
        },
        LANGUAGES: {
            "kind": "text",
            "context": 12,
            "crops": 9,
            "held_out_parts": 1,
            "passages": 1,
        },
    },
    "runs": {
        RUN: {
            "model": {"width": 16, "heads": 2, "mlp_width": 32},
            "training": {"max_steps": 200, "stop_at_accuracy": None},
            "epk": {"shards": 2, "intervals": 2},
        },
        LANGUAGES: {
            "dataset": LANGUAGES,
            "model": {"kind": "gpt", "layers": 1, "width": 8, "heads": 2},
            "training": {
                "loss": "token_cross_entropy",
                "optimizer": {"kind": "adamw", "learning_rate": 3e-3},
                "batch_size": 3,
                "max_steps": 20,
                "stop_at_accuracy": None,
            },
            "epk": {
                "functional": "mean_logprob",
                "groups": "group",
                "shards": 1,
                "intervals": 2,
                "keep": ["influence", "component", "interval", "step_component", "absolute"],
            },
        },
    },
    "encoders": {
        name: {"dataset": "all_digits", "replicates": 1, **_FAST, **encoder}
        for name, encoder in ENCODERS.items()
    },
    "experiments": {
        **{name: {"run": RUN} for name in PAGES},
        "pruning": {
            "run": RUN,
            "coarse": [0.2],
            "fine": [0.02],
            "excluded": ["decoder.weight"],
            "seeds": [1, 2],
        },
        "influence_over_training": {"run": RUN, "samples": 3, "intervals": 3},
        "influence_matrices": {"run": RUN, "steps": [3, 150]},
        "swap": {"run": RUN, "every": 5},
        "retrain": {"run": RUN, "sources": [1], "seeds": [0, 1], "max_steps": 100},
        "similarity": {"run": RUN, "samples": 5, "train_samples": 12, "intervals": 2},
        "label_noise": {"run": RUN, "seeds": [1, 2]},
        "leave_group_out": {"run": RUN, "targets": 3, "shares": [0.2], "draws": 2},
        "language_influence": {"run": LANGUAGES},
        "language_claims": {"run": LANGUAGES},
        "single_steps": {"run": LANGUAGES, "points": 4},
        "passages": {"run": LANGUAGES, "languages": ["Python"]},
        "parallel_parts": {"run": LANGUAGES, "languages": ["English", "Python"], "parts": 2},
        "feature_consistency": {"encoders": ["recorded"], "samples": 5, "steps": 3},
        "example_consistency": {
            "encoders": "recorded",
            "train_samples": 20,
            "samples": 4,
            "checkpoints": 2,
        },
        "pretext_features": {"encoders": _TASKS, "samples": 5, "steps": 3},
        "pretext_examples": {"encoders": _TASKS, "samples": 5, "train_samples": 20},
        "disentanglement": {"encoders": ["units"], "images": 10},
        "unit_visualisation": {"encoders": ["units"], "steps": 5},
        "encoder_and_model": {"encoders": "classification", "images": 10, "steps": 3},
        "linear_probe": {"encoders": _TASKS},
        "roar": {
            "encoders": "reconstruction",
            "methods": ["saliency", "random"],
            "fractions": [0.2],
        },
        "labelfree": {
            "encoders": _TASKS,
            **{
                name: name
                for name in OF_ENCODERS
                if name not in ("unit_visualisation", "linear_probe")
            },
        },
    },
}
