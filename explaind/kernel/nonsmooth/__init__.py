"""Piecewise-linear functions, and the secant rule that integrates over their kinks."""
