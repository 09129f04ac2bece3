"""The experiment examples."""
