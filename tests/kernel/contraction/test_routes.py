"""The cost model chooses the route that costs least."""

import pytest
import torch
from torch import nn

from explaind.kernel.contraction import routes
from explaind.kernel.gradients.capture import LayerCapture
from explaind.kernel.gradients.rule import Work


def test_thin_layers_with_few_queries_are_contracted():
    work = Work(
        gradient=512 * 64, read=576, forming=2 * 512 * 64, contracting=2 * 512 * 64, between=64
    )
    assert routes.cheapest(routes.layer_costs([work], 10)) == "contracted"


@pytest.mark.parametrize(("places", "route"), [((), "contracted"), ((64,), "gradients")])
def test_many_queries_are_contracted_where_samples_have_one_place(places, route):
    """Little is moved between the products of one place, much between those of many."""
    layer = nn.Linear(128, 128)
    with LayerCapture(dict(layer.named_parameters()), 2) as capture:
        output = layer(torch.randn(2, *places, 128))
    work = capture.rules[0].work("weight", output.detach()[None])
    assert routes.cheapest(routes.layer_costs([work], 100)) == route


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
