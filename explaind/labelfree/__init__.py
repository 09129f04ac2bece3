"""Explaining encoders that have no labels: importance of inputs and of training samples, metrics.

Pure functions of an encoder and tensors; after Crabbe and van der Schaar, "Label-Free
Explainability for Unsupervised Models" (2022).
"""
