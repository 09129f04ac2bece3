"""The experiment grokking."""
