"""The generated dataset."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from explaind.config.dataset import ModuloDataset
from explaind.data.modulo import modulo_dataset


@given(p=st.integers(3, 25), fraction=st.floats(0.2, 0.8), seed=st.integers(0, 9))
def test_every_unordered_pair_occurs_once(p, fraction, seed):
    made = modulo_dataset(ModuloDataset(p=p, train_fraction=fraction, seed=seed))
    x = np.concatenate([made.x_train, made.x_validation])
    y = np.concatenate([made.y_train, made.y_validation])
    pairs = {(int(a), int(b)) for a, _, b, _ in x}
    assert pairs == {(a, b) for a in range(p) for b in range(a + 1)}
    assert len(x) == len(pairs)
    assert (x[:, 1] == p).all()
    assert (x[:, 3] == p + 1).all()
    assert (y == (x[:, 0] + x[:, 2]) % p).all()
    assert made.attrs["classes"] == p + 2
    assert made.sizes["train"] == round(fraction * len(pairs))


def test_the_split_follows_the_seed():
    first, again, other = (modulo_dataset(ModuloDataset(p=11, seed=s)) for s in (1, 1, 2))
    assert (first.x_train == again.x_train).all()
    assert not (first.x_train == other.x_train).all()


def test_sizes_given_as_numbers():
    settings = ModuloDataset(p=11, train_fraction=None, train_samples=40, validation_samples=10)
    made = modulo_dataset(settings)
    assert (made.sizes["train"], made.sizes["validation"]) == (40, 10)
