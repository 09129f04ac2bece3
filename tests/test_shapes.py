"""What jaxtyping checks while the tests run."""

import pytest
import torch
from jaxtyping import TypeCheckError

from explaind.training.task import accuracy
from tests.shapes import CHECKS, check_again


def test_shapes_are_checked_at_first_and_again_in_the_next_test():
    output, target = torch.zeros(3, 2), torch.zeros(3, dtype=torch.int64)
    for _ in range(2):
        with pytest.raises(TypeCheckError, match="parameter 'target'"):
            accuracy(output, target[:1])
        for _ in range(CHECKS // 2):
            accuracy(output, target)
        assert accuracy(output, target[:1]) == 1.0  # no longer
        check_again()
