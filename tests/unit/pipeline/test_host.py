"""A station's word that it listens is good for two of its periods."""

from __future__ import annotations

from agent.core.clock import NS_PER_S
from agent.pipeline.host import HostWatch

LIMIT_NS = 65 * NS_PER_S


def test_a_word_that_is_not_repeated_in_time_is_overdue_once() -> None:
    watch = HostWatch()
    watch.heard(online=True, period_s=30.0, now_ns=1000)
    assert not watch.overdue(1000 + LIMIT_NS - 1)
    assert watch.overdue(1000 + LIMIT_NS)
    assert not watch.overdue(1000 + 2 * LIMIT_NS)


def test_every_word_counts_anew() -> None:
    watch = HostWatch()
    watch.heard(online=True, period_s=30.0, now_ns=0)
    watch.heard(online=True, period_s=30.0, now_ns=LIMIT_NS - 1)
    assert not watch.overdue(LIMIT_NS)
    assert watch.overdue(2 * LIMIT_NS)


def test_a_station_that_promises_no_repetition_is_believed() -> None:
    watch = HostWatch()
    watch.heard(online=True, period_s=None, now_ns=0)
    assert not watch.overdue(1000 * LIMIT_NS)


def test_a_station_that_said_no_is_not_told_again() -> None:
    watch = HostWatch()
    watch.heard(online=True, period_s=30.0, now_ns=0)
    watch.heard(online=False, period_s=None, now_ns=1)
    assert not watch.overdue(2 * LIMIT_NS)
