"""Pretext tasks: clean targets, losses per sample, the split."""

import torch

from explaind.config.encoder import Classification, Denoising, Inpainting, Reconstruction
from explaind.training.pretext import absolute_error, held_out, pretext_task, squared_error

X, Y = torch.rand(5, 1, 4, 4), torch.arange(5) % 2


def test_targets_are_the_clean_inputs_and_only_inputs_are_perturbed():
    assert pretext_task(Reconstruction(), 0, 60).perturb is None
    for settings in (Denoising(), Inpainting()):
        task = pretext_task(settings, 0, 60)
        assert task.target(X, Y) is X
        assert not torch.equal(task.perturb(X, torch.arange(5), 0), X)


def test_a_classifier_is_told_the_classes():
    task = pretext_task(Classification(), 0, 60)
    assert task.perturb is None
    assert task.target(X, Y) is Y


def test_a_classifier_is_trained_on_its_logits():
    """D13: the published one took the softmax twice."""
    logits = torch.tensor([[3.0, -1.0], [0.0, 8.0]], dtype=torch.float64)
    y = torch.tensor([1, 1])
    expected = logits.exp().sum(1).log() - logits[[0, 1], y]
    torch.testing.assert_close(pretext_task(Classification(), 0, 60).loss_fn(logits, y), expected)


def test_losses_are_means_over_the_numbers_of_a_sample():
    output = torch.rand(5, 1, 4, 4)
    for row in range(5):
        gap = (output - X)[row]
        assert torch.isclose(squared_error(output, X)[row], (gap**2).sum() / 16)
        assert torch.isclose(absolute_error(output, X)[row], gap.abs().sum() / 16)
    assert pretext_task(Reconstruction(loss="l1"), 0, 60).loss_fn is absolute_error


def test_every_sample_is_in_one_part_and_the_split_follows_the_seed():
    fitted, held = held_out(100, 0.25, seed=0)
    assert sorted([*fitted.tolist(), *held.tolist()]) == list(range(100))
    assert len(held) == 25
    assert not torch.equal(held, held_out(100, 0.25, seed=1)[1])
    assert len(held_out(3, 0.01, seed=0)[1]) == 1
