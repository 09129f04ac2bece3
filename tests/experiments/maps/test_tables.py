"""The table behind the maps: every point with what its sample is."""

import pandas as pd

from explaind.experiments.drawing import sources_of
from explaind.experiments.maps.tables import read
from tests.experiments.similarity.made import project


def test_points_are_joined_with_their_samples(tmp_path):
    config, paths = project(tmp_path, validation=4, train=3)
    points = {"functional": "f", "component": "c", "method": "PCA", "sample": [6, 0]}
    pd.DataFrame({**points, "x": 0.0, "y": 0.0, "z": 0.0, "share": 0.5}).to_parquet(
        paths.experiment("grokking", "maps")
    )
    sources = sources_of(config, paths, "maps")
    tables = read(sources, config.experiments["maps"])
    a, _, b, _ = sources.data["x_train"].to_numpy()[2]
    first = tables.points.iloc[0]
    assert first["split"] == "training"
    assert first["name"] == f"{a} + {b} = {first['class']}"
    assert tables.points["split"].iloc[1] == "validation"
    assert tables.neighbours == 5
