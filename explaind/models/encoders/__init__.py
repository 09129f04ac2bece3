"""Encoders, and the heads that they are trained with: decoders and classifiers."""
