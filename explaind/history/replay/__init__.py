"""What a recorded path is read by: its values, the steps between snapshots computed again."""
