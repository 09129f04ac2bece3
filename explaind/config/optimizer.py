"""Config of the optimizers; the keys are those of torch.optim, spelled out."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from explaind.config.base import Section, kind_or

Beta = Annotated[float, Field(ge=0, lt=1)]


class _Adaptive(Section):
    kind: Literal["adamw", "adam"]
    learning_rate: float = Field(1.0e-3, gt=0, description="Step size.")
    weight_decay: float = Field(0.0, ge=0, description="Weight decay.")
    betas: tuple[Beta, Beta] = Field(
        (0.9, 0.98), description="Decay per step of the first and second moment."
    )
    eps: float = Field(1.0e-8, gt=0, description="Added to the root of the second moment.")
    amsgrad: bool = Field(False, description="Divide by the largest second moment seen so far.")


class AdamW(_Adaptive):
    """AdamW: decay is applied to the parameters, apart from the gradient."""

    kind: Literal["adamw"] = "adamw"
    weight_decay: float = Field(4.0, ge=0, description="Decoupled decay per unit of learning rate.")


class Adam(_Adaptive):
    """Adam: decay is an L2 term in the gradient."""

    kind: Literal["adam"] = "adam"
    weight_decay: float = Field(0.0, ge=0, description="Factor of the L2 term in the gradient.")


class SGD(Section):
    """Stochastic gradient descent with optional (Nesterov) momentum."""

    kind: Literal["sgd"] = "sgd"
    learning_rate: float = Field(1.0e-1, gt=0, description="Step size.")
    weight_decay: float = Field(0.0, ge=0, description="Factor of the L2 term in the gradient.")
    momentum: float = Field(0.0, ge=0, lt=1, description="Decay per step of the momentum buffer.")
    dampening: float = Field(0.0, ge=0, lt=1, description="Share of a gradient kept out of it.")
    nesterov: bool = Field(False, description="Nesterov momentum; needs momentum > 0.")

    @model_validator(mode="after")
    def _check_nesterov(self) -> "SGD":
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            raise ValueError(
                "expected momentum > 0 and dampening = 0 with nesterov, got "
                f"momentum {self.momentum} and dampening {self.dampening}; set nesterov to false "
                "or change them"
            )
        return self


Optimizer = Annotated[
    Annotated[AdamW, Tag("adamw")] | Annotated[Adam, Tag("adam")] | Annotated[SGD, Tag("sgd")],
    Discriminator(kind_or("adamw")),
]
