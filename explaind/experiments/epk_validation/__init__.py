"""The experiment epk_validation."""
