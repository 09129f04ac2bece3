"""The numbers of the page on similar samples."""

import numpy as np

from explaind.experiments.similarity.cosines import component_grams, cosines
from explaind.experiments.similarity.samples import sample_table
from explaind.experiments.similarity.tables import cosine_table, group_means
from tests.experiments.similarity.made import similarity_store

STORE, DATA = similarity_store()
MAPS, SAMPLES = cosines(component_grams(STORE)), sample_table(STORE, DATA)


def test_means_over_groups_are_those_of_a_loop():
    table = group_means(MAPS, SAMPLES)
    validation = np.flatnonzero(SAMPLES["split"] == "validation")
    for split in ("validation", "training"):
        others = np.flatnonzero(SAMPLES["split"] == split)
        same = [
            float(MAPS[2, 1, 2, i, j])
            for i in validation
            for j in others
            if i != j and SAMPLES["class"][i] == SAMPLES["class"][j]
        ]
        case = {"interval": 2, "functional": "target_logprob", "component": "second"}
        case |= {"others": split, "group": "same class"}
        rows = table[np.all([table[key] == value for key, value in case.items()], axis=0)]
        assert rows["pairs"].item() == len(same) > 0
        np.testing.assert_allclose(rows["cosine"].item(), np.mean(same))
        assert (rows["start"].item(), rows["stop"].item()) == (20, 40)


def test_all_pairs_are_listed():
    table = cosine_table(MAPS, SAMPLES)
    assert len(table) == 2 * 3 * 9 * 19  # functionals, components, validation samples, others
    row = table.iloc[-1]
    places = [int(np.flatnonzero(SAMPLES["name"] == row[key])[0]) for key in ("name", "other_name")]
    assert row["others"] == SAMPLES["split"][places[1]]
    expected = MAPS[0].sel(functional=row["functional"], component=row["component"])[*places]
    np.testing.assert_allclose(row["cosine"], expected, rtol=1e-6)


def test_training_samples_may_be_missing():
    store, data = similarity_store(train=0)
    samples = sample_table(store, data)
    table = group_means(cosines(component_grams(store)), samples)
    assert set(table["others"]) == {"validation"}
