"""What every layer rule is held to: gradients of single samples by autograd, in float64."""

import torch

ROWS = slice(1, 4)


def one_by_one(layer, parameter, x, delta):
    """Gradients `[batch, output, size]` of `<delta, layer(x)>`, sample by sample."""
    rows = []
    for i in range(len(x)):
        y = layer(x[i : i + 1])[0]
        products = [(row[i].reshape(y.shape) * y).sum() for row in delta]
        found = [torch.autograd.grad(p, parameter, retain_graph=True)[0] for p in products]
        rows.append(torch.stack([gradient.flatten() for gradient in found]))
    return torch.stack(rows)


def check(rule, name, parameter, delta, expected):
    """Compare all that a rule gives of a parameter with its gradients.

    Args:
        rule: the rule.
        name: name of the parameter.
        parameter: its values.
        delta: output gradients.
        expected: what `one_by_one` found.
    """
    batch, outputs, _ = expected.shape
    first = parameter.shape[0] if parameter.dim() else 1
    parts = [slice(start, min(start + 2, first)) for start in range(0, first, 2)]
    found = torch.cat([*rule.gradients(name, delta, ROWS, parts)], 2)
    torch.testing.assert_close(found, expected[ROWS])

    place = torch.ones(batch, outputs, first, parameter.numel() // first, dtype=delta.dtype)
    rule.add_gradients(name, delta, place, -2.0, first=False)
    torch.testing.assert_close(place.flatten(2), 1 - 2 * expected)
    rule.add_gradients(name, delta, place, 3.0, first=True)
    torch.testing.assert_close(place.flatten(2), 3 * expected)

    work = rule.work(name, delta[:1])
    assert work.gradient == parameter.numel()
    if work.contracting is not None:
        psi = torch.randn(5, parameter.numel(), dtype=delta.dtype)
        products = rule.contraction(name, psi, delta[:1], ROWS)
        torch.testing.assert_close(products, expected[ROWS, 0] @ psi.T)

    several = rule.with_tensors(
        {field: value.repeat_interleave(3, 0) for field, value in rule.tensors().items()}
    )
    for weights in ([0.5, 0.5, 0.5], [2.0, -1.0, 0.25]):
        factors = torch.tensor(weights, dtype=delta.dtype).repeat(batch)
        scaled = delta.repeat_interleave(3, 1) * (1 + torch.arange(3).repeat(batch)).view(
            -1, *[1] * (delta.dim() - 2)
        )
        place = torch.ones(batch, outputs, first, parameter.numel() // first, dtype=delta.dtype)
        several.add_sums(name, scaled, place, weights)
        sums = (factors * (1 + torch.arange(3)).repeat(batch)).view(batch, 3).sum(1)
        torch.testing.assert_close(place.flatten(2), 1 + sums[:, None, None] * expected)

    for steps in (1, batch):
        directions = torch.randn(steps, 3, parameter.numel(), dtype=delta.dtype)
        products = rule.along(name, directions, delta)
        of_samples = directions.repeat_interleave(batch // steps, 0)
        torch.testing.assert_close(products, torch.einsum("nop,ndp->ond", expected, of_samples))
