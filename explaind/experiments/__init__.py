"""Experiments on explained runs: pure functions from stores to a table or a store, one per rule."""
