"""When to connect, where, in which protocol, and how long to wait."""

from __future__ import annotations

import itertools
from typing import Literal

import pytest

from agent.core.backoff import Backoff, BackoffPolicy
from agent.link.session import (
    RETURN_SPREAD_S,
    Attempt,
    LinkFault,
    Phase,
    Protocol,
    Session,
    Signal,
)

LEGAL = {
    (Phase.IDLE, Signal.START): Phase.CONNECTING,
    (Phase.CONNECTING, Signal.ACCEPTED): Phase.UP,
    (Phase.CONNECTING, Signal.FAILED): Phase.WAITING,
    (Phase.UP, Signal.LOST): Phase.WAITING,
    (Phase.WAITING, Signal.RETRY): Phase.CONNECTING,
    (Phase.IDLE, Signal.STOP): Phase.STOPPED,
    (Phase.CONNECTING, Signal.STOP): Phase.STOPPED,
    (Phase.UP, Signal.STOP): Phase.STOPPED,
    (Phase.WAITING, Signal.STOP): Phase.STOPPED,
    (Phase.STOPPED, Signal.STOP): Phase.STOPPED,
}
UNREACHABLE, PROTOCOL, CLOSED = LinkFault.UNREACHABLE, LinkFault.PROTOCOL, LinkFault.CLOSED


def session(addresses: int = 1, protocol: Literal["auto", "5", "3.1.1"] = "auto") -> Session:
    """A session that waits the shortest times; connecting."""
    made = Session(addresses, protocol, Backoff(BackoffPolicy(), lambda: 0.0))
    made.signal(Signal.START)
    return made


def fail(made: Session, fault: LinkFault) -> float:
    """One failed attempt, and on to the next."""
    wait_s = made.failed(fault)
    made.signal(Signal.RETRY)
    return wait_s


def lose(made: Session, fault: LinkFault) -> float:
    """One lost connection, and on to the next."""
    _, wait_s = made.lost(fault)
    made.signal(Signal.RETRY)
    return wait_s


@pytest.mark.parametrize(("phase", "signal"), list(itertools.product(Phase, Signal)))
def test_every_move_is_in_the_table_or_an_error(phase: Phase, signal: Signal) -> None:
    made = session()
    made.phase = phase
    if (phase, signal) in LEGAL:
        made.signal(signal)
        assert made.phase is LEGAL[phase, signal]
    else:
        with pytest.raises(ValueError, match=f"cannot take '{signal}' while {phase}"):
            made.signal(signal)
        assert made.phase is phase


def test_a_link_begins_idle() -> None:
    assert Session(1, "auto", Backoff(BackoffPolicy(), lambda: 0.0)).phase is Phase.IDLE


def test_addresses_are_tried_in_turn_after_failures() -> None:
    made = session(3)
    tried = []
    for _ in range(7):
        tried.append(made.attempt().address)
        fail(made, UNREACHABLE)
    assert tried == [0, 1, 2, 0, 1, 2, 0]


def test_after_a_loss_the_next_broker_of_the_cluster_is_asked_first() -> None:
    made = session(3)
    fail(made, UNREACHABLE)
    made.accepted()
    lose(made, CLOSED)
    assert made.attempt().address == 2


def test_the_only_broker_is_asked_again_after_a_loss() -> None:
    made = session()
    made.accepted()
    assert lose(made, CLOSED) == 0.5
    assert made.attempt().address == 0


def test_waits_grow_with_every_failure_up_to_a_minute_and_never_vanish() -> None:
    made = session()
    waits = [fail(made, UNREACHABLE) for _ in range(8)]
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_every_broker_of_a_cluster_is_asked_soon_and_only_then_waiting_begins() -> None:
    made = Session(3, "5", Backoff(BackoffPolicy(), lambda: 0.5))
    made.signal(Signal.START)
    waits = [fail(made, UNREACHABLE) for _ in range(9)]
    assert waits == [0.375] * 6 + [0.75, 1.5, 3]


def test_losses_cost_quick_moves_until_a_connection_was_steady() -> None:
    made = session(2)
    made.accepted()
    waits = []
    for _ in range(6):
        waits.append(lose(made, LinkFault.SILENT))
        made.accepted()
    assert waits == [0.25, 0.25, 0.25, 0.25, 0.5, 1]
    made.steady()
    assert lose(made, LinkFault.SILENT) == 0.25


def test_a_connection_that_is_lost_at_once_again_and_again_backs_off_too() -> None:
    made = session()
    waits = []
    for _ in range(4):
        made.accepted()
        waits.append(made.lost(CLOSED)[1])
        made.signal(Signal.RETRY)
    assert waits == [0.5, 1, 2, 4]


def test_a_steady_connection_forgives_earlier_failures() -> None:
    made = session()
    for _ in range(5):
        fail(made, UNREACHABLE)
    made.accepted()
    made.steady()
    assert made.lost(CLOSED) == (CLOSED, 0.5)


def test_a_steady_connection_that_the_broker_closed_is_probably_everybodys() -> None:
    made = Session(1, "auto", Backoff(BackoffPolicy(), lambda: 0.5))
    made.signal(Signal.START)
    made.accepted()
    made.steady()
    made.lost(CLOSED)
    assert made.spread_s() == RETURN_SPREAD_S / 2
    assert made.spread_s() == 0.0


@pytest.mark.parametrize(
    ("steady", "fault"), [(False, CLOSED), (True, LinkFault.SILENT), (True, LinkFault.TAKEN_OVER)]
)
def test_no_other_loss_makes_a_gate_stand_back(*, steady: bool, fault: LinkFault) -> None:
    made = Session(1, "auto", Backoff(BackoffPolicy(), lambda: 0.5))
    made.signal(Signal.START)
    made.accepted()
    made.steady()
    made.lost(LinkFault.SILENT)
    made.signal(Signal.RETRY)
    made.accepted()
    if steady:
        made.steady()
    made.lost(fault)
    assert made.spread_s() == 0.0


def test_a_broker_that_does_not_speak_5_is_asked_in_3_1_1_at_once() -> None:
    made = session(2)
    assert made.attempt() == Attempt(0, "5")
    assert fail(made, PROTOCOL) == 0.0
    assert made.attempt() == Attempt(0, "3.1.1")
    made.accepted()
    lose(made, CLOSED)
    assert made.attempt() == Attempt(1, "5")
    fail(made, UNREACHABLE)
    assert made.attempt() == Attempt(0, "3.1.1")


def test_what_one_broker_speaks_says_nothing_about_another() -> None:
    made = session(2)
    fail(made, PROTOCOL)
    fail(made, UNREACHABLE)
    assert made.attempt() == Attempt(1, "5")
    fail(made, UNREACHABLE)
    assert made.attempt() == Attempt(0, "3.1.1")


def test_a_broker_that_speaks_neither_is_neither_hammered_nor_the_only_one_tried() -> None:
    made = session(2)
    tried, waits = [], []
    for _ in range(6):
        attempt = made.attempt()
        tried.append((attempt.address, attempt.protocol))
        waits.append(fail(made, PROTOCOL))
    assert tried[:4] == [(0, "5"), (0, "3.1.1"), (1, "5"), (1, "3.1.1")]
    assert waits[0] == waits[2] == 0
    assert all(wait >= 0.25 for wait in (waits[1], *waits[3:]))


def test_a_broker_that_hangs_up_is_asked_in_the_other_protocol_at_once() -> None:
    """RabbitMQ 3.10 ends a connection that opens in MQTT 5 without a word."""
    made = session()
    tried, waits = [], []
    for _ in range(4):
        tried.append(made.attempt().protocol)
        waits.append(fail(made, CLOSED))
    assert tried == ["5", "3.1.1", "5", "3.1.1"]
    assert waits == [0, 0.5, 1, 2]


def test_a_broker_that_hung_up_because_it_ended_is_asked_in_5_again() -> None:
    made = session()
    fail(made, CLOSED)
    assert made.attempt().protocol == "3.1.1"
    fail(made, UNREACHABLE)
    assert made.attempt().protocol == "5"


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@pytest.mark.parametrize("fault", list(LinkFault))
def test_a_fixed_protocol_is_never_left(protocol: Protocol, fault: LinkFault) -> None:
    made = session(protocol=protocol)
    for _ in range(3):
        assert made.attempt().protocol == protocol
        assert fail(made, fault) >= 0.5


@pytest.mark.parametrize("fault", [UNREACHABLE, LinkFault.TLS, LinkFault.LOGIN])
def test_other_faults_do_not_change_the_protocol(fault: LinkFault) -> None:
    made = session()
    fail(made, fault)
    assert made.attempt().protocol == "5"


def test_nothing_starts_again_after_a_stop() -> None:
    made = session()
    made.signal(Signal.STOP)
    for signal in set(Signal) - {Signal.STOP}:
        with pytest.raises(ValueError):
            made.signal(signal)


def test_a_connection_closed_three_times_soon_is_told_as_that() -> None:
    made = session()
    told = []
    for fault in (CLOSED, LinkFault.SILENT, CLOSED, CLOSED, CLOSED):
        made.accepted()
        told.append(made.lost(fault)[0])
        made.signal(Signal.RETRY)
    again = LinkFault.CLOSED_AGAIN
    assert told == [CLOSED, LinkFault.SILENT, CLOSED, again, again]
    made.accepted()
    made.steady()
    assert made.lost(CLOSED)[0] is CLOSED


def test_brokers_that_restart_in_turn_are_not_told_as_a_second_gate() -> None:
    made = session(3)
    told = []
    for _ in range(9):
        made.accepted()
        told.append(made.lost(CLOSED)[0])
        made.signal(Signal.RETRY)
    assert told == [CLOSED] * 8 + [LinkFault.CLOSED_AGAIN]


@pytest.mark.parametrize("addresses", [1, 3])
def test_one_who_is_thrown_out_by_name_waits_long_and_does_not_move(addresses: int) -> None:
    made = session(addresses)
    made.accepted()
    assert lose(made, LinkFault.TAKEN_OVER) == 30.0


def test_a_link_that_is_not_heard_goes_on_to_the_next_address_at_once() -> None:
    made = session(addresses=2)
    made.accepted()
    made.turn()
    assert made.left() == 0.0
    made.signal(Signal.RETRY)
    assert made.attempt().address == 1
    made.accepted()
    made.turn()
    assert made.attempt().address == 0
