"""The clock of this machine: monotonic, wall time, boot id, disciplined or not."""

from __future__ import annotations

import ctypes
import time
import uuid
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TIME_ERROR = 5
_STA_NANO = 0x2000
_ASK_EVERY_NS = 1_000_000_000


class _Timex(ctypes.Structure):
    """The head of struct timex (adjtimex(2)); the rest is not read."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 400),
    )


class SystemClock:
    """CLOCK_MONOTONIC, CLOCK_REALTIME and adjtimex(2)."""

    def __init__(self) -> None:
        try:
            self._boot_id = _BOOT_ID.read_text(encoding="ascii").strip()
        except OSError:
            self._boot_id = str(uuid.uuid4())
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._asked_ns = -_ASK_EVERY_NS
        self._offset_ms: float | None = None
        self._told_synced = False
        self.refused = False

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

        Where the call is refused (``refused``), what :meth:`tell` said last.
        """
        disciplined = self.offset_ms() is not None
        return self._told_synced if self.refused else disciplined

    def tell(self, *, synced: bool) -> None:
        """What somebody else knows of the kernel's clock: counts where we may not ask it."""
        self._told_synced = synced

    def offset_ms(self) -> float | None:
        """The offset that the kernel is correcting, asked at most once a second.

        None while the clock is not disciplined, and where the call is refused.
        """
        now_ns = time.monotonic_ns()
        if now_ns - self._asked_ns >= _ASK_EVERY_NS:
            self._asked_ns = now_ns
            timex = _Timex()
            state = self._libc.adjtimex(ctypes.byref(timex))
            self.refused = state < 0
            divisor = 1e6 if timex.status & _STA_NANO else 1e3
            synced = 0 <= state < _TIME_ERROR
            self._offset_ms = round(timex.offset / divisor, 3) if synced else None
        return self._offset_ms
