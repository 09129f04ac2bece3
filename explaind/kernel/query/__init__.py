"""The explained outputs: their averaged derivative over a step, by quadrature."""
