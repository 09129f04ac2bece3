"""Numbers of the page on units, of planted models."""

import numpy as np
import pytest
from scipy import stats

from explaind.experiments.disentanglement.settings import DisentanglementSettings
from explaind.experiments.disentanglement.tables import FALL, beta_effects, read
from tests.experiments.disentanglement import planted
from tests.experiments.small_encoders import Results

FALLING, STEADY = (0.5, 0.52, 0.48, 0.2, 0.22, 0.18), (0.3, 0.32, 0.28, 0.31, 0.29, 0.3)


@pytest.fixture
def tables():
    store = planted.store(FALLING, STEADY, collapsed=2)
    settings = DisentanglementSettings(encoders=("small", "large"))
    return read(Results(disentanglement=store), settings)


def test_a_fall_is_told_from_none(tables):
    effects = tables.effects.set_index("scope")
    assert effects.loc["all", "high"] < 0
    assert effects.loc["active", "low"] < 0 < effects.loc["active", "high"]
    test = stats.ttest_ind(FALLING[3:], FALLING[:3], equal_var=False)
    interval = test.confidence_interval(0.95)
    found = effects.loc["all", ["difference", "low", "high"]]
    np.testing.assert_allclose(found.astype(float), [-0.3, interval.low, interval.high])
    assert effects.loc["all", "correlation"] == pytest.approx(
        np.corrcoef(np.repeat(planted.BETAS, 3), FALLING)[0, 1]
    )


def test_as_many_trainings_as_are_needed_tell_a_fall(tables):
    needed = beta_effects(tables.models).set_index("scope")["needed"].astype(int)
    for scope, values in (("all", FALLING), ("active", STEADY)):
        for trainings, tells in ((needed[scope], True), (needed[scope] - 1, False)):
            error = np.sqrt((np.var(values[:3], ddof=1) + np.var(values[3:], ddof=1)) / trainings)
            half = stats.t(2 * trainings - 2).ppf(0.975) * error
            assert (half <= FALL) == tells


def test_collapsed_units_are_counted(tables):
    assert (~tables.units["active"]).sum() == 2
    models = tables.models.set_index(["encoder", "replicate", "scope"])["compared"]
    assert models.unstack().loc[("large", 2)].to_dict() == {"all": 3, "active": 1}


def test_a_model_without_a_pair_is_left_out_of_the_effect():
    store = planted.store(FALLING, (*STEADY[:5], np.nan), collapsed=2)
    settings = DisentanglementSettings(encoders=("small", "large"))
    effects = read(Results(disentanglement=store), settings).effects.set_index("scope")
    assert effects.loc["active", "trainings"] == 5


def test_a_single_training_has_no_interval(tables):
    alone = tables.models[tables.models["replicate"] == 0]
    assert beta_effects(alone)[["low", "high"]].isna().all(axis=None)
