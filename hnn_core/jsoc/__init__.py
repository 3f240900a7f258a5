"""SHARP magnetograms from JSOC: which records there are, their files, and a cache of them."""
