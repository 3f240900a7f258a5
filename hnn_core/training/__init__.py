"""Training: from a configuration to checkpoints, a model and its scores."""
