"""Programs in processes forked from one that has imported what takes them long to import."""
