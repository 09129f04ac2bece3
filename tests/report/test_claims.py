"""Claims beside what is found here: their verdicts, counted."""

import pytest

from explaind.report.claims import (
    LEFT_OUT,
    NOT,
    PARTLY,
    REPRODUCED,
    UNDECIDED,
    Claim,
    both,
    claims_fact,
    claims_table,
)


def claims(*found):
    return claims_table(Claim("a", "b", "1", "2", "rule", verdict) for verdict in found)


@pytest.mark.parametrize(
    ("fulfilled", "verdict"),
    [((True, True), REPRODUCED), ((True, False), PARTLY), ((False, False), NOT)],
)
def test_two_ways_to_work_a_claim_out(fulfilled, verdict):
    assert both(iter(fulfilled)) == verdict


@pytest.mark.parametrize(
    ("found", "value", "detail"),
    [
        ((REPRODUCED, PARTLY, PARTLY, NOT), "1 of 4", "2 partly, 1 not"),
        ((REPRODUCED, LEFT_OUT), "1 of 1", "0 partly, 0 not"),
        ((NOT, UNDECIDED), "0 of 2", "0 partly, 1 not, 1 not decided"),
    ],
)
def test_reproduced_claims_are_counted_among_those_that_were_asked(found, value, detail):
    fact = claims_fact(claims(*found))
    assert (fact.value, fact.detail) == (value, detail)


def test_what_is_left_out_has_no_numbers():
    assert claims(LEFT_OUT, NOT)["published"].tolist() == ["not measured", "1"]
