"""What is kept of an explanation while the steps are walked through."""
