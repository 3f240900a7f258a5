"""The version of the program, in every file that it writes and every request that it sends."""

__all__ = ["__version__"]

__version__ = "0.1.0"
