"""Physics on magnetograms: arrays and quantities in, results and figures out."""
