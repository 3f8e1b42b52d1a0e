"""What templates are kept for. A gallery has one purpose, and each search of it names its own.

So a list of wanted people is never searched for a resident, nor residents for the police: a search
for another purpose ends with ``PurposeError``. ``tests/unit/models/test_purpose.py`` holds which
file of the product names which purpose.
"""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    """Why faces are compared."""

    WATCHLIST = "watchlist"
    RESIDENTS = "residents"
    MEASURE = "measure"
