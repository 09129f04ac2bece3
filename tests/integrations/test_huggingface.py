"""Trainings by the Trainer of Hugging Face, recorded by the callback."""

import numpy as np
import pytest
import torch
from torch import nn

import explaind
from explaind.errors import RecordingError, StoreError, UnsupportedError
from tests.requirements import library

transformers = library("transformers")
from explaind.integrations.huggingface import (  # noqa: E402
    RecordHistory,
    call_by_name,
    causal_lm_loss,
)

pytestmark = pytest.mark.filterwarnings("ignore")  # of the library, about itself

WORDS, CLASSES, PADDING = 30, 3, 0

ROUNDING = {"classifier": 1e-9, "language model": 1e-6, "by other operations": 1e-6}
"""Of double precision; the library itself takes losses of language models in single precision."""


def classes_loss(output, labels):
    return nn.functional.cross_entropy(output.logits, labels, reduction="none")


def next_token_loss(output, labels):
    """Sum over the positions of a sample; the Trainer divides by the tokens of the step."""
    logits, following = output.logits[:, :-1].transpose(1, 2), labels[:, 1:]
    return nn.functional.cross_entropy(logits, following, reduction="none").sum(1)


def classifier():
    config = transformers.BertConfig(
        vocab_size=WORDS,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=16,
        num_labels=CLASSES,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=PADDING,
    )
    return transformers.BertForSequenceClassification(config)


def language_model():
    config = transformers.GPT2Config(
        vocab_size=WORDS,
        n_positions=16,
        n_embd=8,
        n_layer=1,
        n_head=2,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        use_cache=False,
    )
    return transformers.GPT2LMHeadModel(config)


def sentences(label):
    lengths = [5, 3, 8, 4, 6, 7, 2, 5, 4, 6, 3]
    words = [torch.arange(k, k + n) % (WORDS - 1) + 1 for k, n in enumerate(lengths)]
    return [{"input_ids": w, "labels": label(k, w)} for k, w in enumerate(words)]


def padded(items):
    """Pads a batch to its longest sentence."""

    def fill(rows, value):
        return nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=value)

    words = fill([item["input_ids"] for item in items], PADDING)
    labels = [item["labels"] for item in items]
    by_word = labels[0].dim() == 1
    return {
        "input_ids": words,
        "attention_mask": (words != PADDING).long(),
        "labels": fill(labels, -100) if by_word else torch.stack(labels),
    }


def train(
    folder,
    model,
    data,
    loss_fn,
    every=1,
    overwrite=False,
    collate=padded,
    callbacks=(),
    **options,
):
    record = RecordHistory(folder / "run.zarr", loss_fn, every=every, overwrite=overwrite)
    arguments = transformers.TrainingArguments(
        str(folder / "output"),
        num_train_epochs=2,
        per_device_train_batch_size=3,
        learning_rate=0.02,
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
        **options,
    )
    trainer = transformers.Trainer(
        model,
        arguments,
        data_collator=collate,
        train_dataset=data,
        eval_dataset=data[:4],
        callbacks=[record, *callbacks],
    )
    trainer.train()
    return trainer


LOOPS = {
    "clipped, as by default": ({}, 8),
    "not clipped": ({"max_grad_norm": 0.0}, 8),
    "accumulated": ({"gradient_accumulation_steps": 2}, 4),
    "evaluated": ({"eval_strategy": "steps", "eval_steps": 2}, 8),
}


@pytest.mark.parametrize("case", LOOPS)
@pytest.mark.parametrize("kind", list(ROUNDING))
def test_a_training_is_explained_to_rounding(tmp_path, kind, case):
    options, steps = LOOPS[case]
    if kind == "classifier":
        model, loss_fn = classifier(), classes_loss
        data = sentences(lambda k, _: torch.tensor(k % CLASSES))
    else:
        model, data = language_model(), sentences(lambda _, words: words)
        loss_fn = next_token_loss if kind == "by other operations" else causal_lm_loss
    trainer = train(tmp_path, model.double(), data, loss_fn, **options)
    loader = trainer.get_train_dataloader()
    store = tmp_path / "run.zarr"
    kernel = explaind.PathKernel(store, model, loss_fn, loader, forward=call_by_name)
    assert kernel.history.steps == steps
    few = torch.utils.data.DataLoader(data[:2], collate_fn=padded)
    explained = kernel.explain(few, outputs="loss")
    assert explained.attrs["completeness_error"] < ROUNDING[kind]
    assert float(abs(explained.final_output - explained.initial_output).max()) > 0.01


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("accumulated", "steps"), [(1, 8), (2, 4)])
def test_a_checkpointed_history_of_a_language_model_is_the_full_one(
    tmp_path, accumulated, steps, dtype
):
    options = {"gradient_accumulation_steps": accumulated, "max_grad_norm": 0.1}
    data, found = sentences(lambda _, words: words), []
    few = torch.utils.data.DataLoader(data[:2], collate_fn=padded)
    for every in (1, 3):
        torch.manual_seed(0)
        (folder := tmp_path / str(every)).mkdir()
        model = language_model().to(dtype)
        trainer = train(folder, model, data, causal_lm_loss, every, **options)
        kernel = explaind.PathKernel(
            folder / "run.zarr",
            model,
            causal_lm_loss,
            trainer.get_train_dataloader(),
            forward=call_by_name,
        )
        assert kernel.history.steps == steps
        assert (kernel.history.clip(0) < 1) == (every > 1)  # else it is in the weights
        path = [kernel.history.theta(step) for step in range(steps + 1)]
        found.append((path, kernel.explain(few, outputs="loss").influence))
    (path, full), (replayed, checkpointed) = found
    assert all(map(torch.equal, path, replayed))
    # the weights, read off there and found exactly here, differ in their last bits
    np.testing.assert_allclose(checkpointed, full, rtol=1e-4, atol=1e-6)


def test_a_loss_by_other_operations_has_no_checkpointed_history(tmp_path):
    data = sentences(lambda _, words: words)
    with pytest.raises(RecordingError, match=r"bit for bit by the operations .*causal_lm_loss"):
        train(tmp_path, language_model(), data, next_token_loss, every=3)


class Interrupted:
    """Collates, but is stopped in the middle, as by Ctrl-C; batches are also collated by sample."""

    calls = 0

    def __call__(self, items):
        self.calls += 1
        if self.calls == 20:
            raise KeyboardInterrupt
        return padded(items)


def test_after_a_training_that_failed_the_next_one_is_recorded(tmp_path):
    model, store = classifier().double(), tmp_path / "run.zarr"
    data = sentences(lambda k, _: torch.tensor(k % CLASSES))
    arguments = {"model": model, "data": data, "loss_fn": classes_loss, "overwrite": True}
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, collate=Interrupted(), **arguments)
    with pytest.raises(StoreError, match="is not sealed"):
        explaind.PathKernel(store, model, classes_loss, data, forward=call_by_name)
    trainer = train(tmp_path, **arguments)
    assert not model._forward_pre_hooks
    loader = trainer.get_train_dataloader()
    kernel = explaind.PathKernel(store, model, classes_loss, loader, forward=call_by_name)
    assert kernel.history.steps == 8
    few = torch.utils.data.DataLoader(data[:2], collate_fn=padded)
    explained = kernel.explain(few, outputs="loss")
    assert explained.attrs["completeness_error"] < ROUNDING["classifier"]


def test_a_training_inside_of_another_is_refused(tmp_path):
    data = sentences(lambda k, _: torch.tensor(k % CLASSES))

    class Nested(transformers.TrainerCallback):
        def on_epoch_end(self, *_, **__):
            (tmp_path / "inner").mkdir(exist_ok=True)
            train(tmp_path / "inner", classifier(), data, classes_loss, overwrite=True)

    with pytest.raises(RecordingError, match=r"run.zarr: expected one training at a time"):
        train(tmp_path, classifier(), data, classes_loss, callbacks=[Nested()])


@pytest.mark.parametrize(("processes", "gpus"), [(2, 0), (1, 2)])
def test_several_devices_are_refused(tmp_path, processes, gpus):
    class Several(transformers.TrainingArguments):
        world_size, n_gpu = processes, gpus

    begin = RecordHistory(tmp_path / "run.zarr", classes_loss).on_train_begin
    of_training = transformers.TrainerState(), transformers.TrainerControl()
    with pytest.raises(UnsupportedError, match=f"got {processes} processes with {gpus} GPUs"):
        begin(Several("output", use_cpu=True), *of_training)
    assert not list(tmp_path.iterdir())


def test_autocast_is_explained_at_its_accuracy(tmp_path):
    data = sentences(lambda k, _: torch.tensor(k % CLASSES))
    model = classifier()
    trainer = train(tmp_path, model, data, classes_loss, bf16=True)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    loader = trainer.get_train_dataloader()
    store = tmp_path / "run.zarr"
    kernel = explaind.PathKernel(store, model, classes_loss, loader, forward=call_by_name)
    few = torch.utils.data.DataLoader(data[:2], collate_fn=padded)
    explained = kernel.explain(few, outputs="loss")
    change = explained.final_output - explained.initial_output
    assert 1e-5 < explained.attrs["completeness_error"] < 1e-2  # bfloat16 has 8 bits
    assert float(abs(change).max()) > 0.01
