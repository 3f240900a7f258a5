"""From bytes to probability: SHARP magnetograms, sequences, the HNN and its attention."""

__version__ = "0.1.0"
