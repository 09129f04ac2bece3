"""The experiment pruning."""
