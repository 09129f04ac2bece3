"""Scripts written for the published package, with other imports."""

import re

import numpy as np
import pytest
import torch
from torch import nn

import explaind
from explaind.compat import (
    AdamWOptimizerPath,
    DataPath,
    ExactPathKernelModel,
    ModelPath,
    RegularizedCrossEntropyLoss,
    SGDOptimizerPath,
)
from explaind.errors import ConfigError, ExplaindError, RecordingError, StoreError, UnsupportedError
from tests.compat.problem import CLASSES, EXPLAINED, SAMPLES, names
from tests.documents import read

OPTIMIZERS = {
    "adamw": lambda model: AdamWOptimizerPath(model, lr=0.05, weight_decay=0.5),
    "sgd": lambda model: SGDOptimizerPath(model, lr=0.2, momentum=0.8, nesterov=True),
    "amsgrad": lambda model: AdamWOptimizerPath(model, lr=0.05, amsgrad=True),
}


def train(optimizer="adamw", loss=None, *, augment=False, clip=None, size=4):
    """A loop as the published README has it, in double precision, with a schedule."""
    given, loss = names(), loss or RegularizedCrossEntropyLoss(alpha=0.0)
    network = given["SingleLayerTransformerClassifier"]()
    by_norms, samples = isinstance(loss, RegularizedCrossEntropyLoss), given["train_loader"].dataset
    model = ModelPath((network if by_norms else nn.Sequential(*list(network)[:-1])).double())
    optimizer = OPTIMIZERS[optimizer](model)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer.optimizer, 2, 0.9)
    samples.data = samples.data.double()
    of_numbers = isinstance(loss, nn.MSELoss)
    if of_numbers:
        samples.targets = list(torch.eye(CLASSES)[samples.targets])
    loader = torch.utils.data.DataLoader(samples, batch_size=size, shuffle=True)
    data = DataPath(loader, full_batch=False)
    for _ in range(2):
        for batch in data.dataloader:
            x, y = data.get_batch(batch, "float" if of_numbers else "int")
            if augment:
                x = data.checkpoints[-1]["X"] = x + 0.1 * torch.randn_like(x)
            optimizer.zero_grad()
            options = {"params": model.parameters()} if by_norms else {}
            loss(model.forward(x), y, **options).backward()
            if clip:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
            model.log_checkpoint()
            optimizer.log_checkpoint()
            schedule.step()
    return model, optimizer, loss, data


@pytest.fixture(scope="module")
def x():
    return names()["val_loader"].dataset.data.double()


TRAININGS = {
    f"{optimizer}, alpha {alpha}, augmented {augment}": {
        "optimizer": optimizer,
        "loss": RegularizedCrossEntropyLoss(alpha),
        "augment": augment,
    }
    for optimizer in ("adamw", "sgd")
    for alpha in (0.0, 0.3)
    for augment in (False, True)
}
TRAININGS |= {
    "unequal batches": {"size": 5},
    "amsgrad": {"optimizer": "amsgrad"},
    "cross-entropy of logits": {"loss": nn.CrossEntropyLoss(label_smoothing=0.1)},
    "squares of several outputs": {"loss": nn.MSELoss(), "optimizer": "sgd", "size": 5},
}


@pytest.mark.parametrize("case", TRAININGS)
def test_parts_add_up_to_the_output(x, case):
    trained = train(**TRAININGS[case])
    model = trained[0]
    kernel = ExactPathKernelModel(*trained, keep_param_wise_kernel=True)
    rebuilt, initial, matrices, decay, evaluation = kernel.predict(x, keep_kernel_matrices=True)
    torch.testing.assert_close(initial, model.forward(x, step=0).detach())
    true = model(x).detach()
    assert float((true - initial).abs().max()) > 0.1
    torch.testing.assert_close(rebuilt, true, rtol=0, atol=1e-4)
    assert {part.shape for part in matrices.values()} == {(EXPLAINED, 1, CLASSES, SAMPLES)}
    data = sum(part.sum(-1)[:, 0] for part in matrices.values())
    torch.testing.assert_close(initial + data + decay, rebuilt)
    steps = zip(range(len(trained[3])), evaluation["ground_truth_step"], strict=True)
    for step, change in steps:
        before, after = (model.forward(x, step=step + k).detach() for k in (0, 1))
        torch.testing.assert_close(change, after - before)
    torch.testing.assert_close(sum(evaluation["regularization_term"]), decay)
    left = [
        (a - b).abs()
        for a, b in zip(evaluation["ground_truth_step"], evaluation["predicted_step"], strict=True)
    ]
    assert evaluation["step_max_delta"] == pytest.approx([float(r.max()) for r in left])
    assert evaluation["predictions_max_delta"][-1] == pytest.approx(
        float((true - rebuilt).abs().max()), rel=1e-6, abs=1e-12
    )
    weights = model.model[0].weight.numel()
    assert evaluation["param_kernel"]["0.weight"].shape == (EXPLAINED, weights)


def test_a_history_in_memory_is_gone_by(x):
    model, optimizer, loss, data = train()
    expected = ExactPathKernelModel(model, optimizer, loss, data).predict(x)[0]
    again = ModelPath(
        names()["SingleLayerTransformerClassifier"]().double(), None, model.checkpoints
    )
    given = {"lr": 0.05, "weight_decay": 0.5, "checkpoints": optimizer.checkpoints}
    rebuilt = ExactPathKernelModel(again, AdamWOptimizerPath(again, **given), loss, data).predict(x)
    torch.testing.assert_close(rebuilt[0], expected)


def test_what_the_document_names_in_place_of_the_rest(x):
    model, optimizer, loss, data = train()
    kernel = ExactPathKernelModel(model, optimizer, loss, data)
    matrices = kernel.predict(x, keep_kernel_matrices=True)[2]
    names_given = {"kernel": kernel, "x": x, "model": model, "data": data, "torch": torch}
    names_given |= {"step": 1, "intervals": 3, "loader": [(x[:2], 0), (x[2:], 0)]}
    section = read("docs/migration.md").partition("## What is not made")[2].partition("## ")[0]
    rows = re.findall(r"^\| `(\w[\w.{}]*)`.* \| `(.+?)`", section, flags=re.MULTILINE)
    made = {
        name: eval(call, dict(names_given)) for name, call in rows if "(" in call or "[" in call
    }
    summed = made["kernel_step_matrix"]
    for name, part in matrices.items():
        np.testing.assert_allclose(summed.sel(component=name), part.sum((1, 2)), atol=1e-12)
    assert made["kernel_step_matrix_{s}"].dims == ("component", "test", "train")
    intervals = [values for _, values in made["param_kernel_step_{s}"]]
    assert len(intervals) == len(list(made["param_reg_kernel_step_{s}"])) == 3
    assert made["DataPath.get_checkpoint"] is data.checkpoints[1]
    assert made["forward_dataloader"].shape == (EXPLAINED, CLASSES)
    middle = made["interpolate_checkpoints"]["0.weight"]
    assert not torch.equal(middle, model.checkpoints[1]["0.weight"])


def test_signed_influence_of_parameters_adds_up_to_that_of_the_data(x):
    kernel = ExactPathKernelModel(
        *train(), keep_param_wise_kernel=True, param_wise_kernel_keep_out_dims=True
    )
    _, _, matrices, _, evaluation = kernel.predict(x, keep_kernel_matrices=True)
    for name, part in evaluation["param_kernel"].items():
        assert part.shape[:3] == (EXPLAINED, CLASSES, 1)
        torch.testing.assert_close(part.sum((2, 3)), matrices[name].sum(-1)[:, 0])


def test_the_published_rule_comes_close_to_the_exact_one(x):
    trained = train()
    exact = ExactPathKernelModel(*trained, evaluate_predictions=False).predict(x)
    midpoints = ExactPathKernelModel(*trained, integral_eps=0.02)
    rebuilt, *_, evaluation = midpoints.predict(x)
    torch.testing.assert_close(rebuilt, exact[0], rtol=0, atol=1e-4)
    assert exact[2:] == (None, None, {})
    assert max(evaluation["step_max_delta"]) < 1e-4
    assert midpoints.kernel.explain(x, None, "all").subintervals.values.min() == 50


def test_the_store_serves_the_path_kernel(tmp_path, x):
    model, optimizer, loss, data = train()
    ours = ExactPathKernelModel(model, optimizer, loss, data, store=tmp_path / "run.zarr")
    matrices = ours.predict(x, keep_kernel_matrices=True)[2]
    loss_fn = nn.NLLLoss(reduction="none")
    kernel = explaind.PathKernel(tmp_path / "run.zarr", model, loss_fn, data.dataloader.dataset)
    influence = kernel.explain(x, outputs="all").influence
    np.testing.assert_allclose(influence, sum(matrices.values())[:, 0], rtol=1e-9, atol=1e-12)


def test_a_training_saved_is_read_in_another_process(tmp_path, x):
    trained = train()
    expected = ExactPathKernelModel(*trained).predict(x)[0]
    for wrapper, name in zip((trained[0], trained[1], trained[3]), "mod", strict=True):
        wrapper._log.path = tmp_path / f"{name}.pt"
        wrapper.save_checkpoints()
    given = names()
    network = given["SingleLayerTransformerClassifier"]().double()
    model = ModelPath(network, checkpoint_path=tmp_path / "m.pt")
    torch.testing.assert_close(model(x), trained[0](x))
    optimizer = AdamWOptimizerPath(model, 0.05, weight_decay=0.5, checkpoint_path=tmp_path / "o.pt")
    data = DataPath(given["train_loader"], tmp_path / "d.pt")
    rebuilt = ExactPathKernelModel(model, optimizer, trained[2], data).predict(x)[0]
    torch.testing.assert_close(rebuilt, expected)
    with pytest.raises(RecordingError, match="pass overwrite=True"):
        model.log_checkpoint()
    assert (
        len(ModelPath(network, checkpoint_path=tmp_path / "m.pt", overwrite=True).checkpoints) == 1
    )


def without_last(log):
    del log[-1]


def another_rate(_, optimizer, __):
    optimizer.checkpoints[3]["lr"] = 0.5


def a_sample_twice(_, __, data):
    data.checkpoints[1]["indices"][:] = 2


DIFFERENT = {
    "a missing log": (lambda model, *_: without_last(model.checkpoints), "Call log_checkpoint"),
    "another rate": (another_rate, "Step 2 taken again"),
    "a sample twice": (a_sample_twice, "a sample twice"),
}


@pytest.mark.parametrize("case", DIFFERENT)
def test_logs_that_do_not_fit_are_refused(case):
    model, optimizer, loss, data = train()
    change, message = DIFFERENT[case]
    change(model, optimizer, data)
    with pytest.raises(RecordingError, match=message):
        ExactPathKernelModel(model, optimizer, loss, data)


def test_a_clipped_training_is_refused():
    with pytest.raises(RecordingError, match="do not clip gradients"):
        ExactPathKernelModel(*train("sgd", clip=0.05))


def test_another_loss_is_refused():
    model, optimizer, _, data = train(loss=RegularizedCrossEntropyLoss(0.3))
    with pytest.raises(RecordingError, match="Give the loss"):
        ExactPathKernelModel(model, optimizer, RegularizedCrossEntropyLoss(0.0), data)


class Squares(nn.Module):
    def forward(self, output, target):
        return output.square().mean()


REFUSED = {
    "loss": (lambda *t: ExactPathKernelModel(t[0], t[1], Squares(), t[3]), "Squares"),
    "snapshots": (lambda *t: ExactPathKernelModel(*t, kernel_store_interval=5), "intervals="),
    "nodes": (lambda *t: ExactPathKernelModel(*t, integral_eps=2.0), "integral_eps"),
    "step": (lambda m, *_: m.forward(torch.zeros(1, 4), step=99), "7 checkpoints, got 99"),
    "file": (lambda m, *_: m.save_checkpoints(), "checkpoint_path"),
    "type": (lambda *t: t[3].get_batch(next(iter(t[3].dataloader)), "text"), "target_type"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals(case):
    call, message = REFUSED[case]
    with pytest.raises(ExplaindError, match=message) as refused:
        call(*train())
    assert isinstance(refused.value, ConfigError | StoreError | UnsupportedError)


@pytest.mark.parametrize("wrapper", [ModelPath, AdamWOptimizerPath, SGDOptimizerPath])
def test_unknown_options_are_refused_and_unneeded_ones_pass(wrapper):
    wrapper(nn.Linear(1, 1), device="cpu")
    with pytest.raises(TypeError, match="learning_rate"):
        wrapper(nn.Linear(1, 1), learning_rate=1)
