"""The experiment training."""
