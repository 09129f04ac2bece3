"""The experiment label_noise."""
