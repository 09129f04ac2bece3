"""The exact path kernel: the mathematics, which knows no paths, no rules and no config of a run.

| module or folder | what it holds |
|---|---|
| `path_kernel`, `explain_to_store` | what a user calls; `explain_options` are its options |
| `explain`, `reformulate` | the loops over the steps: with training samples, and without |
| `trajectory/` | walking the recorded path backward; the adjoint |
| `query/` | the explained outputs: quadrature of their derivative along a step |
| `nonsmooth/` | piecewise-linear ops and the secant rule |
| `gradients/` | per-sample gradients |
| `contraction/` | adjoint times per-sample loss gradients |
| `collectors/` | what is kept of an explanation |
| `one_step`, `parts` | the same of one step, and of parts of samples (tokens) |
| `functionals`, `result` | explained outputs, and the datasets that are returned |
| `checks/`, `completeness` | whether the recorded path is the one that is explained |
| `attributor` | what path kernel and other methods have in common |
"""
