"""The path from `PathKernel.explain` to a layer rule is short enough to be read in one go."""

import sys
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.optim import SGD

import explaind
from explaind.kernel.gradients.convolution import ConvolutionRule
from explaind.kernel.gradients.elementwise import ElementwiseRule
from explaind.kernel.gradients.embedding import EmbeddingRule
from explaind.kernel.gradients.linear import LinearRule, OuterProductRule
from explaind.kernel.query.quadrature import Quadrature
from tests.kernel.engine import record_and_explain
from tests.oracles.problems import Problem, tokens
from tests.oracles.smooth_models import CLASSES, POSITIONS, VOCABULARY

MOST_FRAMES = 7
PACKAGE = str(Path(explaind.__file__).parent)
RULES = (LinearRule, ConvolutionRule, EmbeddingRule, ElementwiseRule)


class EveryRule(nn.Module):
    """Tokens embedded, convolved along their positions, scaled and read out."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 4)
        self.convolution = nn.Conv1d(4, 4, 1)
        self.norm = nn.LayerNorm(4)
        self.last = nn.Linear(4 * POSITIONS, CLASSES)

    def forward(self, x):
        features = torch.relu(self.convolution(self.embedding(x).transpose(1, 2)))
        return self.last(self.norm(features.transpose(1, 2)).flatten(1))


def labelled_tokens(count, seed):
    x, y = tokens(count, seed)
    return x, y % CLASSES


def frames_since_explain():
    """Functions of the package that are running now, from `PathKernel.explain` on."""
    names, frame = [], sys._getframe(2)
    while frame is not None:
        code = frame.f_code
        if code.co_filename.startswith(PACKAGE) and not code.co_name.startswith("<"):
            names.append(code.co_name)
            if code.co_qualname == "PathKernel.explain":
                return names[::-1]
        frame = frame.f_back
    return []


@pytest.fixture
def seen(monkeypatch):
    """Where every rule was asked for gradients: its class and the functions that led there."""
    seen = []

    def watch(rule, method):
        real = getattr(rule, method)

        def watched(self, *arguments):
            path = frames_since_explain()
            if "add_gradients" not in path:  # else the rule asks itself
                seen.append((type(self), [*path, method]))
            return real(self, *arguments)

        monkeypatch.setattr(rule, method, watched)

    for rule in (OuterProductRule, EmbeddingRule, ElementwiseRule):
        watch(rule, "gradients")
        watch(rule, "add_gradients")
    return seen


@pytest.mark.parametrize("quadrature", ["secant", "gauss_legendre"])
def test_from_explain_to_a_layer_rule(seen, quadrature, tmp_path):
    problem = Problem(
        "depth",
        lambda model: SGD(model.parameters(), lr=0.1, momentum=0.9),
        make_model=EveryRule,
        make_data=labelled_tokens,
        steps=3,
    )
    rule = Quadrature(rule=quadrature, subintervals=1, tolerance=0.0, max_subintervals=2)
    record_and_explain(problem, tmp_path, quadrature=rule, outputs="all", block=2)
    seen[:] = [(kind, path) for kind, path in seen if path[0] == "explain"]
    longest = max(seen, key=lambda entry: len(entry[1]))[1]
    assert len(longest) <= MOST_FRAMES, " > ".join(longest)
    query = {kind for kind, path in seen if "_integrate" in path}
    training = {kind for kind, path in seen if "contract" in path}
    assert query == set(RULES)
    assert training, "no gradient was materialised on the training side"
