"""Datasets of text in several groups, and text as numbers."""
