"""What the station's word changes: a fresh link waits for it, what went out unheard goes again."""

from __future__ import annotations

import pytest

from agent.core.clock import NS_PER_S
from tests.support.delivery import delivery, sent
from tests.support.samples import entry

S = NS_PER_S


def test_on_a_fresh_link_only_critical_alarms_go_before_the_station_s_word() -> None:
    """They go before they are stored; what was stored first waits behind the backlog."""
    made = delivery(up=False, alarms=(1, 2), events=(1,))
    made.link_up(held_until_ns=5 * S)
    made.accept(entry(3), stored=False)
    made.accept(entry(4), stored=True)
    assert sent(made) == ["alarm-3"]
    assert made.due_ns() == 5 * S
    made.station(online=True)
    assert sent(made, S) == ["alarm-1 replayed", "alarm-2 replayed", "alarm-4", "event-1 replayed"]


@pytest.mark.parametrize("word", [False, None])
def test_a_station_that_does_not_listen_holds_nothing_for_long(word: bool | None) -> None:
    """Its broker may keep what comes; nobody says so on a fresh link."""
    made = delivery(up=False, alarms=(1,))
    made.link_up(held_until_ns=5 * S)
    if word is None:
        assert sent(made, 5 * S) == ["alarm-1 replayed"]
    else:
        made.station(online=word)
        assert sent(made) == ["alarm-1 replayed"]
    assert made.due_ns() is not None


def test_what_went_out_while_the_station_did_not_listen_goes_again_when_it_does() -> None:
    made = delivery(up=False, alarms=(1, 2))
    made.link_up(held_until_ns=5 * S)
    assert sent(made, 6 * S) == ["alarm-1 replayed", "alarm-2 replayed"]
    made.station(online=True)
    assert sent(made, 7 * S) == ["alarm-1 replayed", "alarm-2 replayed"]
    made.station(online=True)
    assert sent(made, 8 * S) == [], "said again, it is no news"
    made.station(online=False)
    made.accept(entry(3), stored=True)
    assert sent(made, 9 * S) == ["alarm-3"]
    made.acked("alarm-1")
    made.station(online=True)
    assert sent(made, 9 * S) == ["alarm-2 replayed", "alarm-3 replayed"]


def test_a_station_s_word_changes_nothing_while_the_link_is_down() -> None:
    made = delivery(up=False, alarms=(1,))
    made.station(online=True)
    assert sent(made) == []
