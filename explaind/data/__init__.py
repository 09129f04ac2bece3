"""Datasets: how they are made, stored and loaded."""
