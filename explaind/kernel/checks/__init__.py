"""Whether what is explained is what was recorded, and whether its gradients come out right."""
