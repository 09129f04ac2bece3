"""What attribution methods have in common, so that they can be compared side by side."""

from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from explaind.trees import Inputs, Targets


@runtime_checkable
class Attributor(Protocol):
    """A method that scores training samples for outputs of a trained model.

    Peers of the path kernel (gradient similarity, influence functions, the counterfactual adjoint)
    implement it too, each with an explained output of its own as default.
    """

    def scores(self, x: Inputs, targets: Targets) -> Float[np.ndarray, "test train"]:
        """Score all training samples.

        Args:
            x: inputs to explain, sample first.
            targets: their targets.

        Returns:
            One number per pair; larger = the training sample pushed the explained output up more.
        """
