"""Loss, metrics and the training of the shipped demo model."""
