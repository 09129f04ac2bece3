"""Readers over the stores of a run: small tidy tables for figures and notebooks.

Nothing here imports torch. Sign and unit are those of the stores: positive influence means that the
training sample pushed the explained output up, in the unit of that output.
"""
