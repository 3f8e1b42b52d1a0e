"""A wall clock that is wrong, and steps while a program runs (libfaketime). Its monotonic is true.

Without libfaketime (apt-get install faketime) nothing of this works; ``missing()`` says so.
"""

from __future__ import annotations

import functools
from pathlib import Path

_PLACES = ("/usr/lib", "/usr/local/lib", "/lib")
_NAME = "libfaketimeMT.so.1"
TRUE = "+0"


@functools.cache
def _library() -> Path | None:
    found = (path for place in _PLACES for path in Path(place).glob(f"*/faketime/{_NAME}"))
    return next(found, None)


def missing() -> str:
    """Why clocks cannot be wrong here; empty when they can."""
    return "" if _library() else "libfaketime is not installed (apt-get install faketime)"


class WrongClock:
    """The wall clock of one program, as the file says: ``+0``, ``+3650d``, ``@1970-01-01 ...``."""

    def __init__(self, file: Path, shows: str = TRUE) -> None:
        self._file = file
        self.shows(shows)

    def shows(self, what: str) -> None:
        """Step, at once, also under a running program."""
        temporary = self._file.with_suffix(".new")
        temporary.write_text(what, encoding="ascii")
        temporary.replace(self._file)

    def environment(self) -> dict[str, str]:
        """What makes a program see it."""
        return {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }
