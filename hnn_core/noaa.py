"""NOAA active-region numbers as catalogues and keywords write them."""

import re

__all__ = ["noaa_numbers"]


def noaa_numbers(*values: object) -> tuple[int, ...]:
    """Read NOAA numbers from keywords: single, comma lists, 0, ``MISSING``, lost digits.

    Numbers below 10000 lost their leading 1 and get it back; 0 and words are none.

    Returns
    -------
    tuple of int
        Ascending, without repetition.

    Examples
    --------
    >>> noaa_numbers("12087,2092", 12087)
    (12087, 12092)
    >>> noaa_numbers("MISSING", 0)
    ()
    """
    numbers = set()
    for value in values:
        for part in re.split(r"[,;\s]+", str(value)):
            if part.isdigit() and int(part) > 0:
                numbers.add(int(part) + (10_000 if int(part) < 10_000 else 0))
    return tuple(sorted(numbers))
