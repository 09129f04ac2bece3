"""Config of the exact path kernel."""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from explaind.choices import Credit, Grouping, OutputArray, Precision, QuadratureRule
from explaind.config.base import Device, Index, Section, canonical


def _check_functional(functional: str) -> str:
    if not re.fullmatch(r"(target|sum|mean)_logprob|all|margin|loss|logit\[\d+\]", functional):
        raise ValueError(
            "expected target_logprob, sum_logprob, mean_logprob, all, margin, loss or logit[c] "
            f"with c the number of an output, got {functional!r}; choose one of them"
        )
    return functional


Functional = Annotated[str, AfterValidator(_check_functional)]


class Quadrature(Section):
    """How the gradient is averaged along each step."""

    rule: QuadratureRule = Field(
        "auto",
        description="auto = secant for piecewise-linear networks, Gauss-Legendre for smooth ones.",
    )
    subintervals: int = Field(1, ge=1, description="Subintervals per step to begin with.")
    tolerance: float | None = Field(
        0.005,
        gt=0,
        description="Residual of a step, relative to the sizes of its data and decay parts added "
        "up, that asks for more subintervals; null = never.",
    )
    max_subintervals: int = Field(16, ge=1, description="Most subintervals per step.")

    @model_validator(mode="after")
    def _check_order(self) -> "Quadrature":
        if self.max_subintervals < self.subintervals:
            raise ValueError(
                f"expected max_subintervals >= subintervals, got {self.max_subintervals} and "
                f"{self.subintervals}; raise max_subintervals"
            )
        return self


class Epk(Section):
    """What is explained and how finely."""

    functional: Functional = Field(
        "target_logprob",
        description="Explained output: target_logprob, all, margin, loss or logit[3]; of text "
        "mean_logprob or sum_logprob over its tokens, or target_logprob of each.",
    )
    samples: int | None = Field(
        None, ge=1, description="Validation samples explained, the first ones; null = all."
    )
    shards: Annotated[int, Field(ge=1)] | Literal["auto"] = Field(
        2,
        description="Jobs that the explained samples are divided among; auto = the fewest that fit "
        "into the memory.",
    )
    segments: int = Field(
        1, ge=1, description="Jobs that the steps of training are divided among, per shard."
    )
    memory_gb: float | None = Field(
        None,
        gt=0,
        description="Memory for the jobs that share a machine or GPU, in GB (10^9 bytes); null = "
        "what is free when the plan is made.",
    )
    quadrature: Quadrature = Field(Quadrature(), description="How steps are integrated.")
    intervals: int = Field(10, ge=1, description="Intervals of training that are told apart.")
    credit: Credit = Field(
        "gradient_step",
        description="Interval that influence is credited to: where the gradient was computed, or "
        "where momentum applied it.",
    )
    keep: Annotated[tuple[OutputArray, ...], AfterValidator(canonical)] = Field(
        ("absolute", "component", "influence", "interval", "step_component"),
        description="Arrays that are stored: `influence` (total), `component` and `interval` "
        "(influence split by them), `parameter` (scores of every parameter by interval), "
        "`step_component` (data and decay of every step by component), `absolute` "
        "(influence of every gradient step by component, summed over samples with and without "
        "sign), `top` (strongest training samples only), "
        "`top_component` (the same through each component).",
    )
    top: int = Field(
        10,
        ge=1,
        description="Most helpful and most harmful training samples kept with `top` and "
        "`top_component`.",
    )
    train_samples: Annotated[tuple[Index, ...], AfterValidator(canonical)] | None = Field(
        None,
        min_length=1,
        description="Training samples that the influence arrays keep; null = all.",
    )
    groups: Grouping | None = Field(
        None,
        description="Sum the influence arrays by class or (of text) by group while they are "
        "accumulated, in place of single training samples; null = no sums.",
    )
    precision: Precision = Field(
        "float32",
        description="Numbers computed and stored; tf32 (GPU) and bf16 are float32 with less "
        "exact products of adjoint and gradients.",
    )
    device: Device = Field("auto", description="Where it runs; auto = GPU if there is one.")
