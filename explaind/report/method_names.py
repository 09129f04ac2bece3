"""Label-free methods as pages call them, by the name that the config gives them."""

FEATURE_METHODS = {
    "integrated_gradients": "integrated gradients",
    "gradient_shap": "GradientShap",
    "saliency": "saliency",
    "deep_lift": "DeepLift",
    "occlusion": "occlusion",
    "brightest": "control: brightest first",
    "random_lit": "control: random, not black",
    "random": "control: random",
}

EXAMPLE_METHODS = {
    "path_kernel": "label-free path kernel",
    "simplex": "SimplEx",
    "dknn": "DKNN (nearest)",
    "cosine": "cosine",
    "influence_functions": "influence functions",
    "tracin": "TracIn",
    "gradient_product": "gradient product",
}

EXAMPLE_METHOD_KINDS = {
    "path_kernel": "training",
    "simplex": "representation",
    "dknn": "representation",
    "cosine": "representation",
    "influence_functions": "loss",
    "tracin": "loss",
    "gradient_product": "loss",
}
"""What a method looks at."""
