"""Plots that pages share."""
