"""Which contacts move more than anybody moves them."""

from __future__ import annotations

import pytest

from devices.restless import Restless

S = 1_000_000_000


def moved(edges: int, within_s: float, name: str = "panic-1") -> Restless:
    found = Restless()
    for number in range(edges):
        found.edge(name, round(number * within_s / edges * S))
    return found


@pytest.mark.parametrize(("edges", "within_s"), [(200, 1.0), (61, 9.9), (10_000, 60.0)])
def test_a_chattering_contact_gets_its_name(edges: int, within_s: float) -> None:
    found = moved(edges, within_s).names(round(within_s * S))
    assert list(found) == ["panic-1"]
    assert found["panic-1"] > 60


@pytest.mark.parametrize(("edges", "within_s"), [(60, 0.5), (400, 100.0), (2, 0.1)])
def test_a_press_with_its_bounces_does_not(edges: int, within_s: float) -> None:
    assert moved(edges, within_s).names(round(within_s * S)) == {}


def test_it_is_named_for_ten_minutes_after_the_last_of_it() -> None:
    found = moved(200, 1.0)
    assert found.names(600 * S)
    assert found.names(602 * S) == {}
    assert found.names(602 * S) == {}


def test_inputs_are_counted_apart() -> None:
    found = moved(50, 1.0)
    for number in range(50):
        found.edge("panic-2", number)
    assert found.names(S) == {}
