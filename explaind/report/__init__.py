"""Interactive pages: pure functions from tables to plotly figures, and their writers."""
