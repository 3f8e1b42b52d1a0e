"""The task that keeps the link: what it does without a network. The rest is in ``tests/e2e``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.config.schema.site import Link as LinkConfig
from agent.core.backoff import Backoff, BackoffPolicy
from agent.link.link import Link, LinkEvents, Retained
from agent.link.session import LinkFault, Phase, Signal
from tests.support.samples import ADDRESS

TLS = {"ca_file": "/none/ca.pem", "cert_file": "/none/gate.pem", "key_file": "/none/gate.key"}


class Heard:
    """Who hears of the link."""

    def __init__(self) -> None:
        self.downs: list[tuple[LinkFault, str]] = []
        self.will: Callable[[], Retained] = lambda: Retained("t", b"{}")

    def down(self, fault: LinkFault, reason: str) -> None:
        """The link went, or did not come."""
        self.downs.append((fault, reason))
        if len(self.downs) == 2:
            raise asyncio.CancelledError


def a_link(
    heard: Heard, waiting: Callable[[], bool] = lambda: False, uniform: float = 0.0, **config: Any
) -> Link:
    value: dict[str, Any] = {"brokers": [{"host": "127.0.0.1", "port": 1}], **config}
    events = LinkEvents(
        birth=list,
        will=lambda: heard.will(),
        up=lambda _: None,
        down=heard.down,
        steady=lambda: None,
        message=lambda _: None,
        freed=lambda: None,
        waiting=waiting,
    )
    backoff = Backoff(BackoffPolicy(first_s=0.0), lambda: uniform)
    return Link(LinkConfig.model_validate(value), ADDRESS, backoff, events)


def run(link: Link) -> None:
    """Let it try until it is cancelled or raises."""
    asyncio.run(link.run())


def test_nothing_is_published_and_there_is_no_room_while_the_link_is_down() -> None:
    link = a_link(Heard())
    assert not link.up
    assert not link.has_room()
    assert not link.publish("t", b"{}")


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"brokers": [{"host": "station", "tls": TLS}]}, "link.brokers: tls files of station"),
        ({"username": "gate", "password_file": "/none/password"}, "link.password_file"),
    ],
)
def test_files_that_are_missing_are_told_and_tried_again(config: dict[str, Any], told: str) -> None:
    heard = Heard()
    with pytest.raises(asyncio.CancelledError):
        run(a_link(heard, **config))
    assert [told in reason for _, reason in heard.downs] == [True, True]


def test_there_is_no_way_from_tls_to_plain_text(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(b"not a certificate")
    tls = {**TLS, "ca_file": str(tmp_path / "ca.pem")}
    heard = Heard()
    with pytest.raises(asyncio.CancelledError):
        run(a_link(heard, brokers=[{"host": "127.0.0.1", "port": 1, "tls": tls}]))
    assert {fault for fault, _ in heard.downs} == {LinkFault.TLS}


@pytest.mark.parametrize("phase", [Phase.CONNECTING, Phase.UP, Phase.WAITING])
def test_an_error_of_our_own_does_not_end_the_link_for_ever(phase: Phase) -> None:
    heard = Heard()
    calls = []

    def will() -> Retained:
        calls.append(1)
        raise RuntimeError("a fault in our own code")

    heard.will = will
    link = a_link(heard)
    for _ in range(3):
        with pytest.raises(RuntimeError, match="our own code"):
            run(link)
        link._session.phase = phase
    assert len(calls) == 3


def test_a_link_that_was_stopped_does_not_start_again() -> None:
    link = a_link(Heard())
    link.stop()
    with pytest.raises(ValueError, match="cannot take 'start' while stopped"):
        run(link)


@pytest.mark.parametrize(("waiting", "asked"), [(True, 1), (False, 0)])
def test_a_gate_stands_back_for_others_only_while_it_has_nothing_to_send(
    *, waiting: bool, asked: int
) -> None:
    asks: list[int] = []

    def something_waits() -> bool:
        asks.append(1)
        return waiting

    link = a_link(Heard(), something_waits, uniform=0.99 if waiting else 0.0)
    session = link._session
    session.signal(Signal.START)
    session.accepted()
    session.steady()
    session.lost(LinkFault.CLOSED)
    asyncio.run(link._stand_back())
    assert len(asks) == asked
