"""The planned routes."""

from dataclasses import replace

from explaind.kernel.gradients.rule import Work
from explaind.plan.routes import choose_routes
from explaind.plan.sizes import Layer
from tests.plan.sizes import SIZES


def test_routes_follow_the_number_of_queries():
    wide = Work(gradient=10**6, read=10**4, forming=2 * 10**6, contracting=2 * 10**6, between=10**3)
    many = Work(gradient=10**6, read=10**4, forming=2 * 10**7, contracting=2 * 10**7, between=10**4)
    layers = (Layer("wide", "a", 10**6, (wide,)), Layer("many", "b", 10**6, (many,)))
    sizes = replace(SIZES, layers=(*layers, Layer("odd", "c", 10, fallback=True)))
    few, some, more = (choose_routes(sizes, queries) for queries in (1, 10, 1000))
    assert few == {"wide": "contracted", "many": "contracted", "odd": "linearised"}
    assert (some["wide"], some["many"]) == ("contracted", "gradients")
    assert more == {"wide": "gradients", "many": "gradients", "odd": "gradients"}
