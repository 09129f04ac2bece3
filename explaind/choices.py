"""Closed choices and constants, typed once, for the config and the library; no torch."""

from typing import Literal, get_args

OutputArray = Literal[
    "influence",
    "component",
    "interval",
    "parameter",
    "step_component",
    "absolute",
    "top",
    "top_component",
]
"""Arrays of an explanation that are kept beside totals per query and step."""

Credit = Literal["gradient_step", "application_step"]
"""The step that influence is booked at: where the gradient was computed, or where it acted."""

StepCredit = Credit | Literal["single_step"]
"""The same of one step; `single_step`: gradients computed in it, as far as they act in it."""

Grouping = Literal["class", "group"]
"""What training samples are grouped by, where influence is summed by group."""

Precision = Literal["float32", "float64", "tf32", "bf16"]
"""Type of the computation; `tf32` and `bf16` are float32 with reduced products."""

QuadratureRule = Literal["auto", "secant", "gauss_legendre", "midpoint"]
"""How the gradient is averaged along a step."""

FeatureMethodName = Literal["integrated_gradients", "gradient_shap", "saliency", "random"]
"""Methods of feature importance for any encoder; `random` is a control."""

AnyFeatureMethodName = Literal[
    "integrated_gradients",
    "gradient_shap",
    "saliency",
    "deep_lift",
    "occlusion",
    "brightest",
    "random_lit",
    "random",
]
"""The same with those that need more than steps and a seed; the last three are controls."""

IGNORED = -100
"""Target of a position where nothing is to be predicted (torch's `ignore_index`)."""

SAMPLES_PER_PASS = 256
"""Explained samples per forward and backward pass, by default."""

OUTPUT_ARRAYS: tuple[OutputArray, ...] = get_args(OutputArray)
CREDITS: tuple[Credit, ...] = get_args(Credit)
STEP_CREDITS: tuple[StepCredit, ...] = (*CREDITS, "single_step")
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
QUADRATURE_RULES: tuple[QuadratureRule, ...] = get_args(QuadratureRule)
