from __future__ import annotations

from agent.audit.throttle import Throttle
from agent.core.clock import NS_PER_S


def test_a_burst_passes_then_one_a_second_and_the_rest_is_counted() -> None:
    throttle = Throttle(burst=3, per_s=1)
    assert [throttle.admit(0) for _ in range(5)] == [True, True, True, False, False]
    assert (throttle.take_skipped(), throttle.take_skipped()) == (2, 0)
    assert throttle.admit(NS_PER_S)
    assert not throttle.admit(NS_PER_S)


def test_a_pause_fills_no_more_than_a_burst() -> None:
    throttle = Throttle(burst=2, per_s=1)
    assert throttle.admit(0)
    assert [throttle.admit(1000 * NS_PER_S) for _ in range(3)] == [True, True, False]
