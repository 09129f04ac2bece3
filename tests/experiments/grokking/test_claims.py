"""Verdicts on planted results: each follows its numbers, and nothing else."""

import numpy as np
import pytest

from explaind.experiments.grokking.claims import verdicts
from explaind.experiments.influence_over_training.tables import crossings
from explaind.report.claims import LEFT_OUT, NOT, PARTLY, REPRODUCED, UNDECIDED
from explaind.report.tables.phases import Phases
from tests.experiments.grokking import planted

CLAIMS = (
    *("replicates", "delay", "balance", "matrices", "emergence", "embedding", "last layers"),
    *("frequencies", "aligned", "pipeline", "swap", "from scratch", "retrain", "attention"),
)


def judged(**changes):
    return dict(zip(CLAIMS, verdicts(planted.story(**changes))["verdict"], strict=True))


def crossings_at(step):
    """Regularisation overtakes at this step, of all components."""
    found = crossings(planted.balance())
    return found.assign(step=found["step"].where(found["larger"] == "training data", step))


def test_a_run_that_does_what_is_claimed_reproduces_everything():
    assert judged() == dict.fromkeys(CLAIMS, REPRODUCED)


@pytest.mark.parametrize(
    ("claim", "changes", "verdict"),
    [
        ("replicates", {"statistics": {"argmax_agreement": 0.95}}, PARTLY),
        ("replicates", {"statistics": {"argmax_agreement": 0.5}}, NOT),
        ("balance", {"crossings": crossings_at(500)}, NOT),
        ("balance", {"crossings": crossings_at(890)}, REPRODUCED),
        ("matrices", {"profiles": planted.profiles(2.0)}, PARTLY),
        ("matrices", {"profiles": planted.profiles(-8.0)}, NOT),
        ("emergence", {"profiles": planted.profiles(before=2.9, after=3)}, REPRODUCED),
        ("emergence", {"profiles": planted.profiles(before=3, after=9)}, PARTLY),
        ("emergence", {"profiles": planted.profiles(before=1, after=2.9)}, PARTLY),
        ("emergence", {"profiles": planted.profiles(periodic=False)}, PARTLY),
        ("emergence", {"profiles": planted.profiles(before=9, after=8, periodic=False)}, NOT),
        ("emergence", {"profiles": planted.profiles()[:3]}, UNDECIDED),  # none afterwards
        ("emergence", {"profiles": planted.profiles()[:1]}, LEFT_OUT),  # no interval was kept
        ("attention", {"retrained": planted.retrained(attentionless=30)}, PARTLY),
        ("attention", {"retrained": planted.retrained(attentionless=15)}, NOT),
        ("attention", {"but_attention": "all components"}, UNDECIDED),  # not tried
        ("embedding", {"cosines": planted.cosines(same_input=(0.4, 0.15))}, PARTLY),
        ("embedding", {"cosines": planted.cosines(same_input=(0.1, 0.1))}, NOT),
        ("last layers", {"cosines": planted.cosines(same_class=(0.1, 0.5))}, PARTLY),
        ("frequencies", {"spectrum": planted.spectrum(power=0.2)}, NOT),
        ("frequencies", {"spectrum": planted.spectrum(explained=0.3)}, NOT),
        ("aligned", {"spectrum": planted.spectrum(keys=((3, 5), (5,)))}, PARTLY),
        ("aligned", {"spectrum": planted.spectrum(keys=((3,), (5,)))}, NOT),
        ("aligned", {"spectrum": planted.spectrum(keys=((), ()))}, NOT),
        ("swap", {"swapped": planted.swapped(ready=750)}, PARTLY),
        ("swap", {"swapped": planted.swapped(ready=800)}, NOT),
        ("swap", {"swapped": planted.swapped(ready=900)}, NOT),
        ("retrain", {"retrained": planted.retrained(80, 100, attentionless=160)}, PARTLY),
        ("retrain", {"retrained": planted.retrained(100, 80, attentionless=200)}, NOT),
        ("retrain", {"retrained": planted.retrained(40, 80)}, REPRODUCED),
        ("from scratch", {"retrained": planted.retrained(40, 100, 60)}, PARTLY),
        ("from scratch", {"retrained": planted.retrained(40, 100, 20)}, NOT),
        ("embedding", {"cosines": planted.cosines(same_input=(np.nan, 0.4))}, UNDECIDED),
        ("frequencies", {"spectrum": planted.spectrum(explained=np.nan)}, UNDECIDED),
    ],
)
def test_a_verdict_follows_its_numbers(claim, changes, verdict):
    assert judged(**changes) == {**dict.fromkeys(CLAIMS, REPRODUCED), claim: verdict}


def test_a_pipeline_that_is_ready_before_memorisation_contradicts_the_paper():
    assert judged(swapped=planted.swapped(ready=150))["pipeline"] == NOT
    assert judged(swapped=planted.swapped(ready=5000))["pipeline"] == NOT


def test_a_run_that_never_generalises():
    found = judged(phases=Phases(200, None))
    assert (found["delay"], found["balance"]) == (PARTLY, NOT)
    assert judged(phases=Phases())["delay"] == NOT


@pytest.mark.parametrize(
    ("absent", "claims"),
    [
        ({"balance": None, "crossings": None}, ["balance"]),
        ({"cosines": None}, ["embedding", "last layers"]),
        ({"spectrum": None}, ["frequencies", "aligned"]),
        ({"swapped": None}, ["pipeline", "swap"]),
        ({"retrained": None}, ["from scratch", "retrain", "attention"]),
    ],
)
def test_claims_about_what_is_left_out_are_not_judged(absent, claims):
    assert judged(**absent) == {
        **dict.fromkeys(CLAIMS, REPRODUCED),
        **dict.fromkeys(claims, LEFT_OUT),
    }
    table = verdicts(planted.story(**absent))
    assert set(table.loc[table["verdict"] == LEFT_OUT, "published"]) == {"not measured"}


def test_a_balance_that_is_not_reached_is_said():
    absent = crossings(planted.balance()).query("larger == 'training data'")
    balance = verdicts(planted.story(crossings=absent)).iloc[CLAIMS.index("balance")]
    assert balance["published"] == balance["corrected"] == "D(Θ) does not fall below 0"
    assert balance["verdict"] == NOT


def test_the_latest_source_counts_even_if_it_is_censored():
    table = planted.retrained(np.nan, np.nan)  # the earlier source has a median
    text = verdicts(planted.story(retrained=table))["published"].iloc[CLAIMS.index("retrain")]
    assert text == "median of the steps: more than 500; the outer layers: more than 500"


@pytest.mark.parametrize(
    ("kept", "control", "verdict"),
    [
        (250, np.nan, REPRODUCED),  # of 500 or more
        (400, np.nan, PARTLY),  # at least fewer
        (500, np.nan, PARTLY),
        (np.nan, 80, NOT),
        (np.nan, np.nan, UNDECIDED),
    ],
)
def test_trainings_that_ended_early_decide_what_they_can(kept, control, verdict):
    assert judged(retrained=planted.retrained(kept, control, control))["retrain"] == verdict


def test_a_set_that_was_not_tried_decides_nothing():
    table = planted.retrained()
    absent = table[table["transplanted"] != planted.OUTER]
    found = judged(retrained=absent)
    assert (found["from scratch"], found["retrain"]) == (REPRODUCED, UNDECIDED)
