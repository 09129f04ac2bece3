"""Timed comparisons that print a table; run by hand, never asserted in tests."""
