"""The numbers of an output array are those of its dimensions."""

from math import prod

from explaind.plan.output_arrays import COSTS, disk_bytes
from tests.plan.sizes import SIZES


def test_the_numbers_of_an_array_are_the_product_of_its_dimensions():
    row, length = COSTS["component"], SIZES.lengths(7)
    expected = prod(length[dim] for dim in ("component", "query", "train"))
    assert disk_bytes(row, SIZES, 7) == 4 * expected == 4 * 10 * 7 * 5000
