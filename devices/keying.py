"""What a keypad or card reader typed: from the bytes of a Linux input device to whole entries.

Pure. The bytes are ``struct input_event`` (linux/input.h): two longs of time, as long as this
machine's are, then type, code, value. Both kinds of reader type as a keyboard does and end with
Enter; a keypad's entry may begin with one digit and ``*`` (or ``-``): what the person says. An
entry that is not ended within ten seconds, or of which the kernel lost a key, is forgotten.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from agent.core.clock import NS_PER_S
from agent.core.secret import Secret

EVENT = struct.Struct("@llHHi")
EV_SYN, EV_KEY = 0, 1
SYN_REPORT, SYN_DROPPED = 0, 3
PRESS = 1
ENTER = frozenset({28, 96})
CLEAR = frozenset({1, 14, 111})  # Escape, Backspace, Delete
STAR = frozenset({55, 12, 74})  # keypad *, minus, keypad minus
PAUSE_NS = 10 * NS_PER_S
LONGEST = 64
SEPARATOR = "*"

_ROWS = ((2, "1234567890"), (16, "QWERTYUIOP"), (30, "ASDFGHJKL"), (44, "ZXCVBNM"), (71, "789"))
KEYS = {
    **{first + n: letter for first, letters in _ROWS for n, letter in enumerate(letters)},
    75: "4",
    76: "5",
    77: "6",
    79: "1",
    80: "2",
    81: "3",
    82: "0",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; ``digit`` is what was said before the code, None for nothing."""

    text: Secret
    digit: int | None = None


class Keying:
    """Gathers the entries of one reader."""

    def __init__(self) -> None:
        self._rest = b""
        self._typed = ""
        self._last_ns = 0
        self._dropped = False

    def feed(self, data: bytes, now_ns: int) -> list[Entry]:
        """The entries that *data*, read at *now_ns*, completes."""
        data = self._rest + data
        whole = len(data) - len(data) % EVENT.size
        self._rest = data[whole:]
        if now_ns - self._last_ns > PAUSE_NS:
            self._typed = ""
        found: list[Entry] = []
        for _, _, kind, code, value in EVENT.iter_unpack(data[:whole]):
            if kind == EV_SYN:
                self._synced(code)
            elif kind == EV_KEY and value == PRESS and not self._dropped:
                self._last_ns = now_ns
                self._press(code, found)
        return found

    def _synced(self, code: int) -> None:
        if code == SYN_DROPPED:
            self._dropped, self._typed = True, ""
        elif code == SYN_REPORT:
            self._dropped = False

    def _press(self, code: int, found: list[Entry]) -> None:
        if code in ENTER:
            typed, self._typed = self._typed, ""
            if 0 < len(typed) <= LONGEST:
                found.append(_entry(typed))
        elif code in CLEAR:
            self._typed = ""
        elif code in STAR:
            self._typed += SEPARATOR
        elif len(self._typed) <= LONGEST:
            self._typed += KEYS.get(code, "")


def _entry(typed: str) -> Entry:
    head, star, code = typed.partition(SEPARATOR)
    if star and len(head) == 1 and head.isdigit():
        return Entry(Secret(code), int(head))
    return Entry(Secret(typed))
