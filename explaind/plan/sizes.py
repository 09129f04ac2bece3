"""The numbers that the costs of an explanation follow from."""

from dataclasses import dataclass
from math import ceil

from explaind.kernel.gradients.rule import Work


@dataclass(frozen=True)
class Layer:
    """One trained tensor.

    Attributes:
        name: its name in the model.
        component: the component it is reported with.
        parameters: its number of scalars.
        works: work of each call that uses it, where a layer rule reads its gradients.
        fallback: whether no layer rule does.
    """

    name: str
    component: str
    parameters: int
    works: tuple[Work, ...] = ()
    fallback: bool = False


@dataclass(frozen=True)
class Sizes:
    """Sizes of a run and of what is asked of it.

    Attributes:
        layers: the trained tensors.
        train: training samples, `N`.
        batch: samples of the largest batch, `B`.
        steps: steps, `S`.
        samples: explained samples.
        outputs: explained outputs of each sample; samples times outputs is `Q`.
        intervals: training intervals.
        keep: output arrays that are kept.
        kept_train: training samples that the influence arrays keep.
        top: most helpful and most harmful training samples kept with `top`.
        adjoint_parts: intervals that the adjoint tells apart at a time.
        subintervals: quadrature subintervals per step to begin with.
        refines: whether the quadrature may add subintervals.
        block_steps: steps of the history in memory at a time.
        adaptive: whether the history has a second moment beside the parameters.
        activation_bytes: what autograd keeps of one sample's forward pass.
        sample_bytes: input and target of one sample.
        forward_flops: operations of one sample's forward pass.
        itemsize: bytes of a number of the computation.
        every: checkpoint interval of the history.
        segments: parts of the training that are explained by jobs of their own.
        warm_up: steps after a segment that its job works through as well.
        batched: whether torch can batch the model. If not, gradients that no layer rule reads take
            one autograd call per sample.
    """

    layers: tuple[Layer, ...]
    train: int
    batch: int
    steps: int
    samples: int
    outputs: int
    intervals: int
    keep: tuple[str, ...]
    kept_train: int
    top: int
    adjoint_parts: int
    subintervals: int
    refines: bool
    block_steps: int
    adaptive: bool
    activation_bytes: int
    sample_bytes: int
    forward_flops: int
    itemsize: int
    every: int = 1
    segments: int = 1
    warm_up: int = 0
    batched: bool = True

    @property
    def history_bytes(self) -> int:
        """Bytes of the stored path: all steps, or snapshots with the whole optimizer state."""
        moments = 1 if self.adaptive else 0
        if self.every > 1:
            return ceil(self.steps / self.every) * (2 + moments) * self.parameters * self.itemsize
        return self.steps * (1 + moments) * self.parameters * self.itemsize

    @property
    def job_steps(self) -> int:
        """Steps that one job credits."""
        return ceil(self.steps / self.segments)

    @property
    def worked_steps(self) -> int:
        """Steps that one job works through, warm-up included."""
        return min(self.steps, self.job_steps + self.warm_up)

    @property
    def parameters(self) -> int:
        """Number of scalar parameters, `P`."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def largest_layer(self) -> int:
        """Scalars of the largest tensor."""
        return max(layer.parameters for layer in self.layers)

    @property
    def components(self) -> int:
        """Number of components."""
        return len({layer.component for layer in self.layers})

    def lengths(self, samples: int) -> dict[str, int]:
        """Length of each dimension of the arrays that one job stores.

        Args:
            samples: explained samples.

        Returns:
            Length by dimension.
        """
        return {
            "query": samples * self.outputs,
            "train": self.kept_train,
            "rank": min(self.top, self.train),
            "component": self.components,
            "interval": min(ceil(self.intervals / self.segments), self.job_steps),
            "step": self.job_steps,
            "param": self.parameters,
        }
