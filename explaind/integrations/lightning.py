"""Recording a training by Lightning: a callback; automatic optimisation on one device."""

from pathlib import Path
from typing import Unpack

from torch import nn
from torch.utils.data import DataLoader

from explaind.errors import UnsupportedError
from explaind.history.recording.loaders import DrawnIndices
from explaind.history.recording.options import RecordOptions
from explaind.history.recording.recorder import Recorder, record
from explaind.trees import LossFunction

try:
    import lightning.pytorch as pl
except ImportError as error:
    raise ImportError(
        "explaind.integrations.lightning needs Lightning. Install the extra:"
        " pip install --constraint constraints.txt --editable .[lightning], in the checkout."
    ) from error


class RecordHistory(pl.Callback):
    """Records `trainer.fit(module, loader)` as `explaind.record` does a loop.

    Accumulation and clipping by norm are read off the gradients. The store is sealed when the
    training ends.

    Args:
        store: folder of the history store to create.
        loss_fn: `(model output, targets) -> per-sample losses`, shape `[batch]`; what
            `training_step` reduces.
        loader: the loader given to `fit`, over a map-style dataset of `(x, y)`.
        model: the module inside of the LightningModule that `training_step` calls; by default
            the LightningModule itself.
        options: further arguments of `explaind.record`.
    """

    def __init__(
        self,
        store: str | Path,
        loss_fn: LossFunction,
        loader: DataLoader,  # type: ignore[type-arg]
        model: nn.Module | None = None,
        **options: Unpack[RecordOptions],
    ) -> None:
        self._store, self._loss_fn, self._loader = store, loss_fn, loader
        self._model, self._options = model, options
        self._drawn: DrawnIndices | None = None
        self._recorder: Recorder | None = None

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Begin to watch the loader, before it is first drawn from."""
        if stage == "fit":
            self._drawn = DrawnIndices(self._loader)

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Begin to record.

        Raises:
            UnsupportedError: for manual optimisation, several optimizers or devices, or another
                loader.
        """
        optimizers = trainer.optimizers
        if not pl_module.automatic_optimization or len(optimizers) != 1 or trainer.world_size != 1:
            raise UnsupportedError(
                "Expected automatic optimisation with one optimizer on one device, got"
                f" automatic_optimization={pl_module.automatic_optimization}, {len(optimizers)}"
                f" optimizers, {trainer.world_size} devices. Record a loop of your own instead."
            )
        if trainer.train_dataloader is not self._loader:
            raise UnsupportedError(
                "The loader of trainer.fit is not the one that RecordHistory was given. Give both"
                " the same object."
            )
        recorder = record(
            self._model or pl_module, optimizers[0], self._loss_fn, self._store, **self._options
        )
        self._recorder = recorder.__enter__()

    def on_train_batch_start(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, batch: object, batch_idx: int
    ) -> None:
        """Say which samples the coming backward pass is of."""
        assert self._drawn is not None and self._recorder is not None  # noqa: PT018
        next(self._recorder.batches([self._drawn.batch(batch)]))

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Seal the store."""
        if self._recorder is not None:
            self._recorder.__exit__(None, None, None)

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Leave the store unsealed, and the loader as it was: `teardown` is not called."""
        if self._recorder is not None:
            self._recorder.__exit__(type(exception), exception, exception.__traceback__)
        self.teardown(trainer, pl_module, "fit")

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Leave the loader as it was."""
        if self._drawn is not None:
            self._drawn.stop()
        self._drawn, self._recorder = None, None
