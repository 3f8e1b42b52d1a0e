from __future__ import annotations

from agent.core.backoff import Backoff, BackoffPolicy


def test_waits_double_up_to_the_cap_and_half_of_each_is_certain() -> None:
    shortest = Backoff(BackoffPolicy(1.0, 60.0), lambda: 0.0)
    assert [shortest.failed() for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_jitter_reaches_up_to_the_whole_step() -> None:
    longest = Backoff(BackoffPolicy(1.0, 60.0), lambda: 0.999)
    assert 0.99 < longest.failed() < 1.0
    assert 1.99 < longest.failed() < 2.0


def test_a_success_starts_from_the_first_step_again() -> None:
    backoff = Backoff(BackoffPolicy(), lambda: 0.0)
    for _ in range(5):
        backoff.failed()
    backoff.succeeded()
    assert backoff.failures == 0
    assert backoff.failed() == 0.5


def test_years_of_failures_do_not_overflow() -> None:
    backoff = Backoff(BackoffPolicy(), lambda: 0.5)
    for _ in range(5000):
        last = backoff.failed()
    assert last == 45.0


def test_a_part_of_a_time_is_as_random_as_the_waits() -> None:
    assert Backoff(BackoffPolicy(), lambda: 0.25).part_of(40.0) == 10.0
