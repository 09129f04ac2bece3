"""A model that keeps its parameters of every step."""

from pathlib import Path

import torch
from torch import Tensor, nn

from explaind.compat.log import Log, check_options
from explaind.errors import ConfigError
from explaind.trees import Outputs

UNNEEDED = (
    "features_to_cpu",
    "parallelize_over_samples",
    "parallelize_over_targets",
    "output_dim",
)


class ModelPath(nn.Module):
    """Holds a model and, in memory, its values before the first and after each step.

    Args:
        model: the model; it returns log-probabilities (or what the loss takes).
        device: where to put it; by default where it is.
        checkpoints: a history to go by in place of a file.
        checkpoint_path: file of the history. If it exists, it is read, and the model has its last
            parameters.
        overwrite: begin a new history where there is a file.
        options: further options of the published class, which change nothing here.
    """

    def __init__(
        self,
        model: nn.Module,
        device: str | torch.device | None = None,
        checkpoints: list[dict[str, Tensor]] | None = None,
        checkpoint_path: str | Path | None = None,
        overwrite: bool = False,
        **options: object,
    ) -> None:
        super().__init__()
        check_options("ModelPath", options, UNNEEDED)
        self.model = model if device is None else model.to(device)
        self._log = Log(checkpoint_path, overwrite, checkpoints)
        if self.checkpoints:
            self.model.load_state_dict(self.checkpoints[-1])
        else:
            self.log_checkpoint()

    @property
    def checkpoints(self) -> list[dict[str, Tensor]]:
        """Values of the model by name, before the first and after each step."""
        return self._log.entries

    def forward(self, x: Tensor, step: int | None = None) -> Outputs:
        """Call the model.

        Args:
            x: inputs, sample first; moved to the model.
            step: index of the checkpoint to compute with; the model itself does not change. None =
                as the model is.

        Returns:
            What the model returns.

        Raises:
            ConfigError: if there is no such checkpoint.
        """
        device = next(self.model.parameters()).device
        x = x.to(device)
        if step is None:
            return self.model(x)
        known = len(self.checkpoints)
        if not -known <= step < known:
            raise ConfigError(f"step: expected one of {known} checkpoints, got {step}.")
        values = {name: value.to(device) for name, value in self.checkpoints[step].items()}
        return torch.func.functional_call(self.model, values, (x,))

    def log_checkpoint(self) -> None:
        """Keep the parameters as they are now; call it after every step of the optimizer."""
        state = self.model.state_dict()
        self._log.append({name: value.detach().cpu().clone() for name, value in state.items()})

    def save_checkpoints(self) -> None:
        """Write the history to its file."""
        self._log.save()
