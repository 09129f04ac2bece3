"""Recording a training by the Trainer of Hugging Face: a callback; one device."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Unpack

from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from explaind.choices import IGNORED
from explaind.errors import RecordingError, UnsupportedError
from explaind.history.recording.loaders import DrawnIndices
from explaind.history.recording.options import RecordOptions
from explaind.history.recording.recorder import Recorder, record
from explaind.trees import Argument, LossFunction, Outputs, measured_in

try:
    from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
except ImportError as error:
    raise ImportError(
        "explaind.integrations.huggingface needs transformers and accelerate. Install the extra:"
        " pip install --constraint constraints.txt --editable .[huggingface], in the checkout."
    ) from error

ADDED = ("num_items_in_batch", "return_dict")
"""Arguments of the model that the Trainer adds to those of the batch."""

_begun: list[ExitStack] = []
"""What to leave of trainings that have not ended. The Trainer tells no callback that it failed."""


def call_by_name(model: nn.Module, batch: Mapping[str, Any]) -> Outputs:
    """Call a model as the Trainer does: the `forward` of `explaind.PathKernel`.

    Args:
        model: the model.
        batch: its arguments by name.

    Returns:
        What it returns, with the mean of the losses beside the outputs if there are labels.
    """
    return model(**batch)


@measured_in("nat")
def causal_lm_loss(
    output: Outputs, labels: Int[Tensor, "batch position"]
) -> Float[Tensor, " batch"]:
    """Return the loss of each text in a causal language model, summed over its tokens, nat.

    By the very operations of the library (`transformers.loss.ForCausalLMLoss`): its gradient is
    that of the loss that the model returns bit for bit, as a checkpointed history needs it.

    Args:
        output: what the model returned.
        labels: its tokens, -100 where nothing is to be predicted.

    Returns:
        The losses; the Trainer divides by the tokens of a whole step, the model by those of a
        batch. The weight is read off the gradients.
    """
    following = functional.pad(labels, (0, 1), value=IGNORED)[:, 1:]
    scores = output.logits.float().flatten(0, 1)
    losses = functional.cross_entropy(
        scores, following.reshape(-1), ignore_index=IGNORED, reduction="none"
    )
    return losses.reshape(following.shape).sum(1)


class RecordHistory(TrainerCallback):
    """Records `Trainer.train()` as `explaind.record` does a loop.

    Batches are what the collator makes; accumulation and clipping are read off the gradients. Give
    `explaind.PathKernel` the loader, `trainer.get_train_dataloader()`, and
    `forward=call_by_name`. The store is sealed when the training ends. What one that failed has
    left, the store that it was writing above all, is given up when the next one begins.

    Args:
        store: folder of the history store to create.
        loss_fn: `(model output, labels) -> per-sample losses`, shape `[batch]`; what the loss
            of the Trainer is made of.
        options: further arguments of `explaind.record`.
    """

    def __init__(
        self, store: str | Path, loss_fn: LossFunction, **options: Unpack[RecordOptions]
    ) -> None:
        self._store, self._loss_fn = store, loss_fn
        self._options: RecordOptions = {"forward": call_by_name, **options}
        self._recorder: Recorder | None = None
        self._drawn: DrawnIndices | None = None
        self._exit = ExitStack()
        self._accumulating = False  # else the model is called for other ends

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **given: Argument,
    ) -> None:
        """Begin to record, and give up what did not end.

        Raises:
            UnsupportedError: for several devices.
        """
        while _begun:
            error = RecordingError("The training did not end.")
            _begun.pop().__exit__(type(error), error, None)  # an error: nothing is sealed
        if args.world_size * max(1, args.n_gpu) != 1:
            raise UnsupportedError(
                f"Expected one device, got {args.world_size} processes with {args.n_gpu} GPUs each."
                " Train on one device, or record a loop of your own."
            )
        model, options = given["model"], self._options
        recorder = record(model, given["optimizer"], self._loss_fn, self._store, **options)
        self._accumulating = False
        _begun.append(self._exit)
        self._recorder = self._exit.enter_context(recorder)
        self._drawn = DrawnIndices(given["train_dataloader"])
        self._exit.callback(self._drawn.stop)
        hook = model.register_forward_pre_hook(self._see_inputs, with_kwargs=True)
        self._exit.callback(hook.remove)

    def on_step_begin(self, *_: object, **__: object) -> None:
        """Calls of the model are those of the coming step."""
        self._accumulating = True

    def on_pre_optimizer_step(self, *_: object, **__: object) -> None:
        """They are no more."""
        self._accumulating = False

    def on_train_end(self, *_: object, **__: object) -> None:
        """Seal the store.

        Raises:
            RecordingError: if another training began inside of this one.
        """
        if self._exit not in _begun:
            raise RecordingError(
                f"{self._store}: expected one training at a time, but another one was recorded"
                " before this one had ended. Train one after the other, or each in a process."
            )
        _begun.remove(self._exit)
        self._exit.close()

    def _see_inputs(self, _: nn.Module, __: object, inputs: Mapping[str, Any]) -> None:
        """Say which samples the coming backward pass is of."""
        if not self._accumulating:
            return
        assert self._recorder is not None and self._drawn is not None  # noqa: PT018
        batch = {name: value for name, value in inputs.items() if name not in ADDED}
        next(self._recorder.batches([self._drawn.batch(batch)]))
