"""The options that are passed on are those of `PathKernel.explain`, with the same types."""

import inspect

from explaind.kernel.explain_options import DivisionOptions, ExplainOptions
from explaind.kernel.path_kernel import PathKernel

SAMPLES = {"self", "x", "targets"}


def test_they_are_those_of_explain():
    parameters = inspect.signature(PathKernel.explain).parameters
    expected = {name: p.annotation for name, p in parameters.items() if name not in SAMPLES}
    assert ExplainOptions.__annotations__ == expected


def test_a_division_leaves_open_what_is_explained():
    assert ExplainOptions.__annotations__.keys() - DivisionOptions.__annotations__.keys() == {
        "outputs",
        "block",
    }
