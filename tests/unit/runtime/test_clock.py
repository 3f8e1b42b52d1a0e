"""The clock of this machine."""

from __future__ import annotations

import re
import time

from agent.runtime.clock import SystemClock


def test_it_is_the_machines_own_time() -> None:
    clock = SystemClock()
    assert abs(clock.utc_ns() - time.time_ns()) < 10**9
    assert abs(clock.monotonic_ns() - time.monotonic_ns()) < 10**9


def test_the_boot_id_is_the_kernels_and_stays() -> None:
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", SystemClock().boot_id)
    assert SystemClock().boot_id == SystemClock().boot_id


def test_it_is_synced_exactly_while_it_knows_its_offset() -> None:
    clock = SystemClock()
    assert clock.synced() is (clock.offset_ms() is not None)


def test_the_kernel_is_asked_at_most_once_a_second() -> None:
    clock = SystemClock()
    clock.offset_ms()
    asked = clock._asked_ns
    for _ in range(100):
        clock.offset_ms()
    assert clock._asked_ns == asked
