"""Waiting for what another process writes into the station's file: looked for until it is there."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

POLL_S = 0.05
_Found = TypeVar("_Found")


def awaited(
    look: Callable[[], _Found | None],
    timeout_s: float,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> _Found | None:
    """What *look* finds; None when it found nothing in time. It looks once at least."""
    until = monotonic() + timeout_s
    while (found := look()) is None and monotonic() < until:
        sleep(POLL_S)
    return found
