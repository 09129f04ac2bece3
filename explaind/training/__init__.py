"""The training loop: recorded, checkpointed, resumable."""
