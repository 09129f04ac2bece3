"""The exact path kernel: quadrature, per-sample gradients, adjoint, contraction, accounts."""
