"""Whether an experiment can answer its question: the probability that an effect would be seen.

A question has power if an effect of a stated size is told from none with probability `ENOUGH` by a
two-sided test at level 5 %. It depends on how much was measured, not on what was found.
"""

import math
from statistics import NormalDist

ENOUGH = 0.8
CHANCE = 0.5
FEWEST = 3  # pairs, whose correlation has no finite interval
NORMAL = NormalDist()
QUANTILE = NORMAL.inv_cdf(0.975)


def area_power(area: float, positives: float, negatives: float, sets: int = 1) -> float:
    """Return the probability that an area under the ROC curve is told from chance.

    Variances as in Hanley and McNeil (1982), with and without an effect.

    Args:
        area: the true area, above 0.5.
        positives: samples of the class that is looked for, in each set.
        negatives: other samples, in each set.
        sets: independent sets, whose areas are averaged.

    Returns:
        The probability, by the normal approximation.
    """
    pairs = sets * positives * negatives
    two_positives, two_negatives = area / (2 - area), 2 * area**2 / (1 + area)
    variance = area * (1 - area) + (positives - 1) * (two_positives - area**2)
    variance += (negatives - 1) * (two_negatives - area**2)
    deviation = math.sqrt(variance / pairs)
    deviation_of_chance = math.sqrt((positives + negatives + 1) / (12 * pairs))
    excess = (area - CHANCE - QUANTILE * deviation_of_chance) / deviation
    return NORMAL.cdf(excess)


def correlation_power(correlation: float, number: int) -> float:
    """Return the probability that a correlation is told from none.

    Args:
        correlation: the true correlation, positive.
        number: number of independent pairs.

    Returns:
        The probability, by Fisher's transform and its bias; 0 for three pairs or fewer.
    """
    if number <= FEWEST:
        return 0.0
    transformed = math.atanh(correlation) + correlation / (2 * (number - 1))
    return NORMAL.cdf(transformed * math.sqrt(number - FEWEST) - QUANTILE)
