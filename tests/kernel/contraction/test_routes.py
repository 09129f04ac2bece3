"""The cost model chooses the route that costs least."""

from explaind.kernel.contraction import routes
from explaind.kernel.gradients.rule import Work


def test_thin_layers_with_few_queries_are_contracted():
    work = Work(
        gradient=512 * 64, read=576, forming=2 * 512 * 64, contracting=2 * 512 * 64, between=64
    )
    assert routes.cheapest(routes.layer_costs([work], 10)) == "contracted"


def test_many_places_with_many_queries_form_gradients():
    work = Work(
        gradient=4096,
        read=256 * 128,
        forming=2 * 256 * 4096,
        contracting=2 * 256 * 4096,
        between=256 * 64,
    )
    assert routes.cheapest(routes.layer_costs([work], 100)) == "gradients"


def test_one_query_past_the_layers_is_linearised():
    assert routes.cheapest(routes.fallback_costs(1, 1, batched=True)) == "linearised"
    assert routes.cheapest(routes.fallback_costs(100, 1, batched=True)) == "gradients"


def test_a_model_that_torch_cannot_batch_has_one_route():
    assert set(routes.fallback_costs(1, 1, batched=False)) == {"gradients"}
