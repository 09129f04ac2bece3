"""Generated sprites."""

import numpy as np

from explaind.data.sprites import SHAPES, sprites_source


def test_every_sprite_is_there_once_and_white_on_black():
    source = sprites_source(32, seed=0)
    images = np.concatenate([source.x_train, source.x_test])[..., 0]
    assert len(images) == len(np.unique(images.reshape(len(images), -1), axis=0)) == 3456
    assert set(np.unique(images)) == {0, 255}
    edges = np.concatenate([images[:, 0], images[:, -1], images[:, :, 0], images[:, :, -1]])
    assert not edges.any()  # no sprite is cut off
    assert (images.reshape(len(images), -1) > 0).sum(1).min() > 10
    counts = np.bincount(np.concatenate([source.y_train, source.y_test]))
    assert counts.tolist() == [1152] * len(SHAPES)


def test_the_split_follows_the_seed_and_keeps_images_with_their_places():
    first, again, other = (sprites_source(16, seed) for seed in (1, 1, 2))
    assert (first.index_train == again.index_train).all()
    assert not (first.index_train == other.index_train).all()
    both = [
        dict(zip(source.index_train.tolist(), source.x_train, strict=True))
        for source in (first, other)
    ]
    shared = sorted(both[0].keys() & both[1].keys())[::50]
    assert all((both[0][number] == both[1][number]).all() for number in shared)
