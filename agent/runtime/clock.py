"""The clock of this machine: monotonic, wall time, boot id, disciplined or not."""

from __future__ import annotations

import ctypes
import time
import uuid
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TIME_ERROR = 5
_TIMEX_BYTES = 512
_ASK_EVERY_NS = 1_000_000_000


class SystemClock:
    """CLOCK_MONOTONIC, CLOCK_REALTIME and adjtimex(2)."""

    def __init__(self) -> None:
        try:
            self._boot_id = _BOOT_ID.read_text(encoding="ascii").strip()
        except OSError:
            self._boot_id = str(uuid.uuid4())
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._asked_ns = -_ASK_EVERY_NS
        self._synced = False

    @property
    def boot_id(self) -> str:
        """The kernel's boot id; a random one where there is none."""
        return self._boot_id

    def monotonic_ns(self) -> int:
        """Nanoseconds since an arbitrary start."""
        return time.monotonic_ns()

    def utc_ns(self) -> int:
        """Nanoseconds since 1970."""
        return time.time_ns()

    def synced(self) -> bool:
        """True when the kernel's clock is disciplined (adjtimex does not report TIME_ERROR).

        Asked at most once a second. Where the call is refused the answer is False.
        """
        now_ns = time.monotonic_ns()
        if now_ns - self._asked_ns >= _ASK_EVERY_NS:
            self._asked_ns = now_ns
            buffer = ctypes.create_string_buffer(_TIMEX_BYTES)
            state = self._libc.adjtimex(buffer)
            self._synced = 0 <= state < _TIME_ERROR
        return self._synced
