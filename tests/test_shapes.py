"""What jaxtyping checks while the tests run."""

import pytest
import torch
from jaxtyping import TypeCheckError

from explaind.kernel.functionals import target_logprob
