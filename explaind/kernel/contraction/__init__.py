"""The training side of a step: the adjoint contracted with per-sample loss gradients.

| module | what it holds |
|---|---|
| `training_data` | the training samples, by index |
| `routes` | what each way to the products costs |
| `precision` | how the products are summed and rounded |
| `training_side` | the contraction of a batch |
"""
