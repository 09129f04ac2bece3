"""Scripts for the published package, run here and beside the published package itself."""

import pytest
import torch

from explaind import compat
from tests.compat.problem import CLASSES, SAMPLES, names
from tests.integrations.published import Published

BATCH, RATE = 4, 0.001
SGD = f"SGDOptimizerPath(model, lr={RATE}, buffer_float16=False, "


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    return Published(tmp_path_factory.mktemp("published"))


def run_here(snippets, folder, monkeypatch):
    monkeypatch.chdir(folder)
    known = names() | {name: getattr(compat, name) for name in compat.__all__}
    for snippet in snippets:
        exec(snippet, known)
    return known


def changed(training, optimizer):
    """The training of the README so that the published package can run it."""
    training = training.replace('"model_', '"run/model_').replace('"optimizer_', '"run/optimizer_')
    training = training.replace("ModelPath(model, ", f"ModelPath(model, output_dim={CLASSES}, ")
    training = training.replace('_checkpoint.pt")\n', '_checkpoint.pt", overwrite=True)\n')
    return training.replace("AdamWOptimizerPath(model, ", optimizer)


def test_the_snippets_of_the_readme_run_unchanged(published, tmp_path, monkeypatch):
    known = run_here(published.snippets()[:2], tmp_path, monkeypatch)
    _, (rebuilt, initial, kernel, decay, evaluation), _ = known["preds"][0]
    true = known["model"](known["val_loader"].dataset.data)
    assert float((true - initial).detach().abs().max()) > 0.01
    torch.testing.assert_close(rebuilt, true.detach(), rtol=0, atol=1e-5)
    parts = sum(part.sum(-1)[:, 0] for part in kernel.values())
    torch.testing.assert_close(initial + parts + decay, rebuilt, rtol=0, atol=1e-6)
    assert max(evaluation["step_max_delta"]) < 1e-5
    for name in ("model_checkpoint.pt", "optimizer_checkpoint.pt", "run/data_checkpoint.pt"):
        assert (tmp_path / name).is_file()


@pytest.mark.parametrize("optimizer", ["AdamWOptimizerPath(model, ", SGD])
def test_numbers_beside_the_published_package(published, optimizer, tmp_path, monkeypatch):
    """Where it is right, ours are the same; where it is wrong, as docs/migration.md says."""
    training, prediction = published.snippets()[:2]
    (tmp_path / "run").mkdir()
    script = changed(training, optimizer) + prediction
    theirs = published.run(script, tmp_path)
    rebuilt, initial, kernel, decay, evaluation = theirs["result"]
    known = run_here([changed(training, optimizer), prediction], tmp_path, monkeypatch)
    _, ours, _ = known["preds"][0]
    same = {"rtol": 1e-3, "atol": 1e-6}
    torch.testing.assert_close(known["model"](known["val_loader"].dataset.data), theirs["model"])
    torch.testing.assert_close(ours[0], rebuilt.detach(), **same)
    torch.testing.assert_close(ours[1], initial.detach())
    for name, part in kernel.items():  # not divided by the size of the batch
        torch.testing.assert_close(ours[2][name], part.detach() / BATCH, **same)
        assert part.shape[-1] == SAMPLES
    torch.testing.assert_close(ours[3] * RATE, decay, rtol=1e-3, atol=1e-9)  # times the rate
    for name, steps in evaluation.items():
        if name in {"ground_truth_step", "predicted_step", "regularization_term"}:
            torch.testing.assert_close(torch.stack(ours[4][name]), torch.stack(steps), **same)
        elif name in {"step_l1_norm", "step_l2_norm", "regularization_term_l1_norm"}:
            assert ours[4][name] == pytest.approx(steps, rel=1e-3, abs=1e-6)
    first = evaluation["param_kernel_step_0"]  # after which it begins to add up anew
    for name, part in evaluation["param_kernel"].items():
        ours_summed = ours[4]["param_kernel"][name].sum((1, 2))
        torch.testing.assert_close(ours_summed, part.sum((1, 2)) + first[name], **same)


def test_a_history_of_the_published_package_is_explained(published, tmp_path, monkeypatch):
    training, prediction = published.snippets()[:2]
    (tmp_path / "run").mkdir()
    theirs = published.run(changed(training, "AdamWOptimizerPath(model, ") + prediction, tmp_path)
    monkeypatch.chdir(tmp_path)
    given = names()
    model = compat.ModelPath(
        given["SingleLayerTransformerClassifier"](), checkpoint_path="run/model_checkpoint.pt"
    )
    optimizer = compat.AdamWOptimizerPath(model, checkpoint_path="run/optimizer_checkpoint.pt")
    data = compat.DataPath(given["train_loader"], checkpoint_path="run/data_checkpoint.pt")
    loss = compat.RegularizedCrossEntropyLoss(alpha=0.0)
    kernel = compat.ExactPathKernelModel(model, optimizer, loss, data)
    rebuilt, *_ = kernel.predict(given["val_loader"].dataset.data)
    torch.testing.assert_close(rebuilt, theirs["model"], rtol=0, atol=1e-5)
