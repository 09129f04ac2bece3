"""Claims about languages, judged by planted shares that fulfil them and that do not."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from explaind.config.dataset import TextDataset
from explaind.errors import StoreError
from explaind.experiments.language_claims.claims import verdicts
from explaind.experiments.language_claims.page import draw
from explaind.experiments.language_claims.settings import LanguageClaimsSettings
from explaind.experiments.language_claims.shares import (
    BLOCKS,
    REST,
    blocks_of,
    find_phases,
    shares_by_step,
    shares_over_seeds,
)
from explaind.experiments.language_claims.tables import read
from explaind.paths import Paths
from explaind.report.claims import NOT, PARTLY, REPRODUCED, UNDECIDED
from explaind.report.html import write_page
from explaind.report.page import About
from tests.experiments.language_influence import test_tables

STEPS = 100
LAYERS = [f"layer {k} {kind}" for k in (1, 2, 3) for kind in ("attention", "MLP")]


def planted(outer, attention, noise=0.0, seed=0):
    """Shares of one seed: outer MLPs and intermediate attention move between two values."""
    shift = noise * (seed - 1)
    table = pd.DataFrame({block: np.full(STEPS, 0.2) for block in (*BLOCKS, REST)})
    table["outer MLPs"] = np.linspace(*outer, STEPS) + shift
    table["intermediate attention"] = np.linspace(*attention, STEPS) + shift
    return table


def seeds(*arguments, noise=0.01):
    return {f"seed {k}": planted(*arguments, noise * (-1) ** k, k) for k in range(3)}


def judged(shares):
    return verdicts(shares)["verdict"].tolist()


@pytest.mark.parametrize(
    ("outer", "attention", "expected"),
    [
        ((0.4, 0.1), (0.1, 0.4), [REPRODUCED, REPRODUCED]),
        ((0.1, 0.4), (0.1, 0.4), [NOT, REPRODUCED]),
        ((0.4, 0.4), (0.3, 0.1), [REPRODUCED, NOT]),
        ((0.1, 0.4), (0.3, 0.1), [NOT, NOT]),
    ],
)
def test_each_half_of_the_claim_is_judged_by_itself(outer, attention, expected):
    assert judged(seeds(outer, attention)) == expected


def test_seeds_that_disagree_fulfil_a_claim_partly():
    shares = seeds((0.23, 0.23), (0.1, 0.1), noise=0.05)
    for table, rise in zip(shares.values(), (-0.05, 0.1, 0.1), strict=True):
        table["intermediate attention"] = np.linspace(0.1, 0.1 + rise, STEPS)
    assert judged(shares) == [PARTLY, PARTLY]


def test_one_seed_or_no_intermediate_layer_decides_nothing():
    one = {"seed": planted((0.4, 0.1), (0.1, 0.4))}
    assert judged(one) == [UNDECIDED, UNDECIDED]
    assert judged(seeds((0.4, 0.1), (0, 0), noise=0)) == [UNDECIDED, UNDECIDED]


def test_the_first_and_the_last_layer_are_the_outer_ones():
    names = ["embedding", *LAYERS, "layer 3 norms", "output"]
    expected = ["outer attention", "outer MLPs", "intermediate attention", "intermediate MLPs"]
    assert blocks_of(names) == [REST, *expected, *expected[:2], REST, REST]
    assert blocks_of(["embedding", "output"]) == [REST, REST]


def test_shares_of_a_step_are_those_in_the_sizes_of_all_influences():
    sizes = np.random.default_rng(0).random((7, 4, 1, 5))
    store = xr.Dataset(
        {"step_absolute_by_component": (("component", "test", "output", "step"), sizes)},
        coords={"component": [*LAYERS, "output"]},
    )
    shares = shares_by_step(store)
    total = sizes.sum((0, 1, 2))
    np.testing.assert_allclose(shares["outer MLPs"], sizes[[1, 5]].sum((0, 1, 2)) / total)
    np.testing.assert_allclose(shares["intermediate attention"], sizes[2].sum((0, 1)) / total)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    with pytest.raises(StoreError, match="Add `absolute`"):
        shares_by_step(store.drop_vars("step_absolute_by_component"))


def test_phases_are_found_where_they_are():
    found = find_phases(shares_over_seeds(seeds((0.4, 0.1), (0.1, 0.4))))
    assert found.outer == (0, 49)  # until both are a quarter
    assert found.rising == (0, STEPS - 1)
    assert find_phases(shares_over_seeds(seeds((0.1, 0.4), (0.4, 0.1)))) == (None, None)


def test_a_model_without_blocks_has_no_phases():
    nothing = pd.DataFrame({**dict.fromkeys(BLOCKS, np.zeros(STEPS)), REST: np.ones(STEPS)})
    assert find_phases(shares_over_seeds({"one": nothing, "two": nothing})) == (None, None)


class Planted(test_tables.Sources):
    """Replicates on disk."""

    def other_run(self, run):
        return test_tables.sources(seed=int(run[-1]))[0]


def test_the_page_says_what_the_seeds_agree_on(tmp_path):
    _, store = test_tables.sources()
    found = Planted(Paths("unused"), "claims", "run_0", "text", TextDataset())
    settings = LanguageClaimsSettings(
        run="run_0",
        replicates=("run_1", "run_2"),
        families=test_tables.SETTINGS.families,
        permutations=20,
    )
    tables = read(found, settings)
    assert tables.seeds["run"].tolist() == ["run_0", "run_1", "run_2"]
    assert tables.seeds["rand"].tolist() == [1, 1, 1]
    assert tables.agreement == pytest.approx(1)  # Danish and Swedish, then the others
    assert tables.shares["step"].nunique() == store.sizes["step"]
    names = ("verdicts", "shares", "nearest", "seeds")
    about = About("claims", "Claims", "run_0", {name: tmp_path / name for name in names})
    write_page(draw(tables, about), {"claims": "Claims"}, tmp_path / "claims.html")
    html = (tmp_path / "claims.html").read_text(encoding="utf-8")
    assert UNDECIDED in html  # one layer has none in between
    assert "العربية" in html
    apart = replace(tables, seeds=tables.seeds.assign(rand=[0.3, 0.4, 0.5]))
    fact = next(fact for fact in draw(apart, about).facts if "families" in fact.label)
    assert fact.value == "0.4"
    assert "95 % interval 0.15 to 0.65;" in fact.detail  # 0.4 - and + 4.303 * 0.1 / sqrt(3)
