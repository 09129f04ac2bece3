"""The adjoint contracted with the gradients of the training samples."""
