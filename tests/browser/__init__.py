"""Tests in a real browser; a package, so that they share a browser and a server."""
