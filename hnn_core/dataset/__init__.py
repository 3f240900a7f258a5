"""Labels, sequences, splits, and the stored data set that networks are trained on."""
