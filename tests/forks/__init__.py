"""Programs in processes forked from one that has imported their libraries: starting takes no time."""
