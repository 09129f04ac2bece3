"""Walking the recorded path backward in time: steps, intervals, segments, the adjoint."""
