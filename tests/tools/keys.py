"""A keypad or card reader as the kernel would tell of it: bytes of ``struct input_event``."""

from __future__ import annotations

import os
from pathlib import Path

from devices.keying import EV_KEY, EV_SYN, EVENT, KEYS, SYN_REPORT

ENTER, STAR = 28, 55
CODES = {letter: code for code, letter in reversed(KEYS.items())} | {"\n": ENTER, "*": STAR}


def typed(text: str) -> bytes:
    """Every key of *text* pressed and let go; ``\\n`` is Enter."""
    return b"".join(
        EVENT.pack(0, 0, EV_KEY, CODES[letter], value) + EVENT.pack(0, 0, EV_SYN, SYN_REPORT, 0)
        for letter in text
        for value in (1, 0)
    )


class Pad:
    """A named pipe at *path* on which somebody types."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path, 0o600)
        self.path = path

    def type(self, text: str) -> None:
        """Type *text* and Enter."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)
        try:
            os.write(descriptor, typed(f"{text}\n"))
        finally:
            os.close(descriptor)
