"""The experiment sanity."""
