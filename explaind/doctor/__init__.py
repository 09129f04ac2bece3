"""What would be recorded and explained of a training, before hours are spent on it."""
