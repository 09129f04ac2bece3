"""The explained outputs: their true change and averaged derivative over a step.

| module | what it holds |
|---|---|
| `quadrature` | the rules by which a derivative is averaged along a step |
| `derivative` | what is averaged: gradients, or derivatives along the step |
| `queries` | the explained samples in blocks, and the loop that refines the quadrature |
| `stacked_steps`, `rows` | the same loop over several steps at once, for small models |
| `kinks` | piecewise-linear ops of a model, and the quadrature they ask for |
| `applicable` | which derivative along a step a model allows |
"""
