"""Numbers behind the claims, from planted results of which they are known."""

import pandas as pd
import pytest

from explaind.experiments.labelfree.findings import FINDINGS
from tests.experiments.labelfree.test_claims import RESULTS, rates, roar, shifts
from tests.experiments.small_encoders import Results


def found(kind, result):
    """Numbers of a planted result by what they are of, as published and corrected."""
    finding = FINDINGS[kind](Results(**{kind: result}), kind)
    return [{number.case: number for number in numbers} for numbers in finding]


def test_areas_stand_above_those_of_the_controls():
    published, corrected = found("feature_consistency", shifts(0.6))
    area = 0.5 * (3 - 1 / 9) / 4  # of lines from 0 over a tenth to all, 0.6 and 0.1 there
    assert published["saliency above random"].mean == pytest.approx(area)
    assert corrected["saliency above brightest"].mean == pytest.approx(0.8 * area)
    several = pd.concat([shifts(0.6), shifts(0.6).assign(encoder="other")])
    published, _ = found("feature_consistency", several)
    assert {"mine: saliency above random", "other: saliency above random"} <= set(published)


def test_rates_stand_beside_chance_with_their_intervals_over_the_trainings():
    published, corrected = found("example_consistency", rates(0.7))
    most, least = (published[f"DKNN (nearest), {end} important"] for end in ("most", "least"))
    half = 12.7062 * 0.0005  # Student's t of two trainings that differ by 0.001
    assert (most.mean, least.mean) == pytest.approx((0.9005, 0.1005))
    assert (most.low, most.high) == pytest.approx((0.9005 - half, 0.9005 + half))
    assert most.trainings == 2
    assert (most.inside_low, least.inside_low) == pytest.approx((0.4005 - half, 0.3995 - half))
    assert published["chance"].mean == 0.5
    assert not published["chance"].judged
    assert corrected["gradient product, most important"].mean == pytest.approx(0.7005)


@pytest.mark.parametrize("kind", RESULTS)
def test_every_judged_number_lies_in_its_interval(kind):
    for numbers in found(kind, RESULTS[kind]):
        for number in numbers.values():
            if number.judged:
                assert number.low <= number.mean <= number.high
                assert number.trainings >= 2


def test_random_removal_is_beaten_at_the_fraction_that_is_named():
    published, corrected = found("roar", roar((1.2, 1.21)))
    assert published == {}
    (saliency,) = (number for case, number in corrected.items() if case.startswith("saliency"))
    assert saliency.mean == pytest.approx(0.2)
